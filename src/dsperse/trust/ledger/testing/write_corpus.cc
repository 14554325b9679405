// Writes the kept corpora of receipt_fuzz, evidence_fuzz and ledger_fuzz anew, by hand, after a change of a format:
//   build/release/src/dsperse/trust/ledger/write_ledger_corpus src/dsperse/trust
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dsperse/trust/ledger/entry_proof.h"
#include "dsperse/trust/ledger/testing/memory_log.h"
#include "dsperse/trust/receipt/testing/sample.h"
#include "dsperse/trust/sign/ed25519.h"

using namespace dsperse;
using namespace dsperse::trust;

namespace {

void write(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: write_ledger_corpus src/dsperse/trust\n"), 2;
  const std::filesystem::path root = argv[1];
  const auto worker = *Ed25519Signer::from_seed(Digest{1}), witness = *Ed25519Signer::from_seed(Digest{2});

  const Receipt first = testing::sample_receipt(worker.key(), genesis(worker.key()));
  Receipt bare = testing::sample_receipt(worker.key(), receipt_digest(first), 1);
  bare.proof.reset(), bare.roots_in.clear(), bare.roots_out.clear();
  const Envelope one = *sign_receipt(first, worker), two = *sign_receipt(bare, worker);
  Receipt again = first;
  ++again.finished_ms;
  write(root / "receipt/testdata/receipts/first.dsse", encode_envelope(one));
  write(root / "receipt/testdata/receipts/bare.dsse", encode_envelope(two));
  write(root / "receipt/testdata/receipts/payload.dsse", encode_receipt(first));
  Envelope both = *seal("text/plain", testing::bytes_of("signed twice"), worker);
  (void)add_signature(both, witness);
  write(root / "receipt/testdata/receipts/two-signatures.dsse", encode_envelope(both));

  write(root / "receipt/testdata/evidence/equivocation.dsse",
        encode_evidence(make_evidence(kEquivocation, one, *sign_receipt(again, worker))));
  write(root / "receipt/testdata/evidence/honest.dsse", encode_evidence(make_evidence(kEquivocation, one, two)));
  write(root / "receipt/testdata/evidence/twice.dsse", encode_evidence(make_evidence(kEquivocation, one, one)));

  testing::MemoryLog log(40);
  const auto at = [&](const Digest& tree) { return *sign_checkpoint({"example.org/ledger", 40, tree, 1700000000000}, worker); };
  const std::filesystem::path ledger = root / "ledger/testdata/ledger";
  write(ledger / "checkpoint.dsse", encode_envelope(at(log.root(40))));
  write(ledger / "payload.dsse", at(log.root(40)).payload);
  write(ledger / "entry.dsse",
        encode_entry_proof({testing::bytes_of("13"), 13, prove_inclusion(log, 13, 40)->path, at(log.root(40))}));
  write(ledger / "split-view.dsse", encode_evidence(make_evidence(kSplitView, at(log.root(40)), at(log.root(39)))));
  for (const auto& [a, b] : {std::pair<std::uint64_t, std::uint64_t>{0, 1}, {5, 13}, {16, 40}, {39, 40}}) {
    const std::string name = std::to_string(a) + "-" + std::to_string(b) + ".bin";
    write(ledger / ("inclusion-" + name), encode_inclusion(*prove_inclusion(log, a, b)));
    write(ledger / ("consistency-" + name), encode_consistency(*prove_consistency(log, a, b)));
  }
  return 0;
}
