// write_trust_corpus FOLDER: the corpus of trust_states_fuzz, written anew into FOLDER (tests/hostile/corpus/trust_states).
// By hand, after a change of a machine's bytes. Deterministic.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "dsperse/trust/audit/book.h"
#include "dsperse/trust/audit/canary.h"
#include "dsperse/trust/dispute/verdict_file.h"
#include "dsperse/trust/incentive/points_contract.h"
#include "dsperse/trust/incentive/reputation.h"
#include "dsperse/trust/lottery/challenge.h"
#include "dsperse/trust/lottery/lottery.h"
#include "dsperse/trust/receipt/job.h"
#include "dsperse/trust/replication/replication.h"

namespace {

using namespace dsperse;
using namespace dsperse::trust;

Digest id(std::uint8_t n) {
  Digest d{};
  d[0] = n;
  return d;
}

// The value, or the end of the program.
template <class T>
T must(Result<T> r) {
  if (!r) {
    std::fprintf(stderr, "%s\n", r.error().text().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  void put(const std::string& name, const Bytes& bytes) const {
    std::ofstream out(path_ + "/" + name, std::ios::binary);
    for (const std::uint8_t b : bytes) out.put(static_cast<char>(b));
    if (!out.flush()) std::exit(1);
  }

 private:
  std::string path_;
};

void put_lotteries(const Folder& folder) {
  using namespace lottery;
  auto s = begin(id(1), commitment_of(id(1), id(2)), Late::user_nonce);
  for (const Event& e : {Event{AddJob{id(3), Probability::of_threshold(9)}}, Event{AddJob{id(4), Probability::always()}},
                         Event{Receipt{id(3), id(5)}}})
    must(step(s, e));
  folder.put("lottery_collecting.bin", encode(s));
  for (const Event& e : {Event{Receipt{id(4), id(6)}}, Event{Close{}}, Event{LatePart{id(7)}}, Event{Reveal{id(2)}}})
    must(step(s, e));
  folder.put("lottery_drawn.bin", encode(s));
  auto c = must(publish(id(1), 10, 3));
  must(step(c, Nonce{id(2), 5}));
  folder.put("challenge.bin", encode(c));
}

void put_replication(const Folder& folder) {
  using namespace replication;
  auto s = must(begin(2, 0, 10, 20));
  for (std::uint8_t n = 1; n <= 2; ++n)
    must(step(s, Assign{id(n), {id(static_cast<std::uint8_t>(10 + n)), "op", "eu", "native"}}));
  must(step(s, Commit{id(1), id(11), trust::commitment(id(1), id(11), {id(7), id(21)})}));
  must(step(s, Commit{id(2), id(12), trust::commitment(id(2), id(12), {id(7), id(22)})}));
  must(step(s, Open{id(1), id(11), id(7), id(21)}));
  folder.put("replication.bin", encode(s));
}

void put_audits(const Folder& folder) {
  using namespace audit;
  Book book;
  must(step(book, Enrol{{id(1), "native"}, 5}));
  must(step(book, Valid{{id(1), "native"}}));
  folder.put("book.bin", encode(book));
  Pool pool;
  must(step(pool, Stock{id(1), id(2), id(3)}));
  must(step(pool, Issue{id(1), id(4)}));
  folder.put("canaries.bin", encode(pool));
}

void put_dispute(const Folder& folder) {
  using namespace dispute;
  auto s = must(begin({id(5), id(6), id(7), 1, id(8)}, {id(1), id(11), id(21), id(31)}, {id(2), id(12), id(22), id(32)}, 100));
  const std::vector<Bytes> proofs = {{1, 2, 3}};
  const std::vector<Digest> prefix = {id(9), id(8)};
  must(step(s, Proof{Side::a, proof_digest(proofs[0]), true}));
  folder.put("dispute.bin", encode(s));
  folder.put("verdict.bin", encode(must(make_verdict(s, prefix, proofs))));
}

void put_incentives(const Folder& folder) {
  using namespace incentive;
  Reputation reputation{ReputationRules{}};
  must(reputation.submit(Blame{id(1), id(2), StrikeKind::correctness, 3}));
  must(reputation.submit(Acquit{id(1), id(2)}));
  folder.put("reputation.bin", reputation.encode());
  auto points = must(PointsContract::open({1, 2}));
  for (const MoneyEvent& e : {MoneyEvent{Mint{id(1), 9}}, MoneyEvent{Lock{id(100), id(1), id(2), 5, 7}},
                              MoneyEvent{Drawn{id(100), false}}, MoneyEvent{Release{id(100), 7}}})
    must(points.submit(e));
  folder.put("points.bin", points.encode());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Folder folder(argv[1]);
  put_lotteries(folder);
  put_replication(folder);
  put_audits(folder);
  put_dispute(folder);
  put_incentives(folder);
  return 0;
}
