// What if a record were not absorbed? The matrix shows it, for every record; and a proof whose challenges do not know of it is
// rejected by the verifier, while the same prover that leaves nothing out is accepted.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "subjects.h"
#include "transcript/matrix.h"

namespace dsperse::soundness {
namespace {

using crypto::Fp;
using crypto::Transcript;

/// A prover whose challenges come from a transcript of its own, which leaves out all records of one label and kind.
template <int D>
class OmittingProver {
 public:
  using E = crypto::Ext<D>;
  OmittingProver(const Subject<D>& s, std::string label, std::string kind)
      : s_(s), label_(std::move(label)), kind_(std::move(kind)) {}

  Result<Bytes> prove() {
    SliceForge<D> f;
    f.argument.pads = [&](std::vector<E>& pads) {  // the first step of an attempt
      transcript_ = Transcript(proof::kProtocolVersion);
      fresh_.clear();
      pads_ = pads;
    };
    f.argument.committed = [&](std::size_t, proof::CommittedTree& tree) {
      fresh_.push_back(tree.tree.get());
      if (fresh_.size() == s_.layout.groups.size() + 1) begin(tree);
    };
    f.argument.first_work = [&](std::uint64_t& nonce) { nonce = first_nonce_; };
    f.argument.column_work = [&](std::uint64_t& nonce) { nonce = work("column work"); };
    f.argument.challenge = [&](std::string_view label, E& x) { x = transcript_.template challenge<D>(label); };
    f.argument.hidden = [&](std::string_view label, std::uint32_t i, E& x) { absorb(label, x + pads_[i]); };
    f.argument.clear = [&](std::string_view label, std::uint32_t, E& x) { absorb(label, x); };
    f.argument.last = [&](std::string_view label, std::uint32_t i, E& x) { absorb(label, x + end_element(0, i)); };
    f.argument.v = [&](std::size_t, E& v) { absorb("v", v); };
    f.argument.u = [&](std::size_t, const E&, std::span<const E>, std::vector<E>& u) { absorb("u", std::span<const E>(u)); };
    f.argument.h = [&](E& h) { absorb("h", h); };
    f.argument.u_end = [&](const crypto::Form<D>&, const E&, std::vector<E>& u) {
      const E eps = transcript_.template challenge<D>("eps");
      for (std::size_t i = 0; i < u.size(); ++i) u[i] = end_element(0, i) * eps + end_element(1, i);
      absorb("u_end", std::span<const E>(u));
    };
    f.argument.opened = [&](std::vector<crypto::Opening>& openings) {
      std::size_t at = 0;
      for (std::size_t g = 0; g < s_.layout.groups.size(); ++g) {
        const proof::Geometry& geometry = s_.layout.groups[g].geometry;
        const auto columns = transcript_.columns("columns", geometry.code.n(), geometry.t);
        if (g < s_.trees.size())
          for (const proof::CommittedTree* t : s_.trees[g]) openings[at++] = t->tree->open(columns);
        openings[at++] = fresh_[g]->open(columns);
      }
      openings[at] = fresh_.back()->open(transcript_.columns("end columns", s_.layout.end.code.n(), s_.layout.end.t));
    };
    return s_.prove(f);
  }

 private:
  void begin(const proof::CommittedTree& end) {
    end_rows_.clear();
    for (std::size_t i = 0; i < end.rows.size(); ++i)
      for (std::size_t j = 0; j < end.code.k(); ++j) end_rows_.push_back(end.at(i, j));
    std::vector<std::vector<Digest>> roots = s_.roots;
    roots.resize(s_.layout.groups.size());
    for (std::size_t g = 0; g < roots.size(); ++g) roots[g].push_back(fresh_[g]->root());
    for (const Record& r : opening_records(s_.layout, s_.head, roots, fresh_.back()->root())) add(r);
    first_nonce_ = work("first work");
  }
  /// Left out: neither the draw nor the nonce.
  std::uint64_t work(const std::string& label) { return label == label_ ? 0 : transcript_.work(label, s_.layout.work); }
  void add(const Record& r) {
    if (r.label != label_ || r.kind != kind_) (void)apply(transcript_, r);
  }
  void absorb(std::string_view label, const E& x) { absorb(label, std::span<const E>(&x, 1)); }
  void absorb(std::string_view label, std::span<const E> xs) {
    if (label != label_ || kind_ == "head" || kind_ == "root") transcript_.template absorb_ext<D>(label, xs);
  }
  /// Element j of E1 or E2.
  [[nodiscard]] E end_element(std::size_t row, std::size_t j) const {
    const std::size_t k = s_.layout.end.code.k();
    E out;
    for (std::size_t l = 0; l < D; ++l) out.c[l] = end_rows_[(row * D + l) * k + j];
    return out;
  }

  const Subject<D>& s_;
  std::string label_, kind_;
  Transcript transcript_{proof::kProtocolVersion};
  std::uint64_t first_nonce_ = 0;
  std::vector<E> pads_;
  std::vector<const crypto::Tree*> fresh_;  ///< per group, the end tree last
  std::vector<Fp> end_rows_;
};

template <int D>
void expect_caught(const Subject<D>& s) {
  SCOPED_TRACE(s.name);
  const auto twin = OmittingProver<D>(s, "", "").prove();
  ASSERT_TRUE(twin.has_value()) << twin.error().text();
  const Verdict v = s.verify(*twin, nullptr);
  ASSERT_TRUE(v) << "the prover that leaves nothing out: " << v.reason << " " << v.where;
  const Records records = s.records();
  std::set<std::pair<std::string, std::string>> classes;
  for (const Record& r : records)
    if (!r.draw) classes.emplace(r.label, r.kind);
  EXPECT_GE(classes.size(), 10U);
  for (const auto& [label, kind] : classes) {
    SCOPED_TRACE(kind + " " + label);
    const auto proof = OmittingProver<D>(s, label, kind).prove();
    ASSERT_TRUE(proof.has_value()) << proof.error().text();
    EXPECT_FALSE(s.verify(*proof, nullptr));
  }
}

/// Were a class of records left out by both parties, nothing would depend on it: the matrix reports each of its records, and no
/// other one. A record that is there and one that is not are two transcripts, also if it holds no byte.
template <int D>
void expect_seen(const Subject<D>& s) {
  SCOPED_TRACE(s.name);
  const Records records = s.records();
  const std::vector<Bytes> honest = replay(records);
  std::map<std::pair<std::string, std::string>, std::size_t> classes;  // to their first record
  for (std::size_t i = 0; i < records.size(); ++i)
    if (!records[i].draw) classes.emplace(std::pair(records[i].label, records[i].kind), i);
  for (const auto& [name, first] : classes) {
    const Matrix matrix(records, name);
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Record& r = records[i];
      if (r.draw || r.data.empty()) continue;
      const Tally t = matrix.later(i, r.data.size() / 2);
      EXPECT_GT(t.tried, 0U);
      EXPECT_EQ(t.survived, r.label == name.first && r.kind == name.second ? t.tried : 0U) << name.first << ": " << r.label;
    }
    Records without = records;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(first));
    const std::vector<Bytes> drawn = replay(without);
    std::size_t at = 0;
    for (std::size_t k = 0; k < records.size(); ++k) {
      if (!records[k].draw) continue;
      EXPECT_EQ(drawn[at] != honest[at], k > first) << name.first << " against " << records[k].label;
      ++at;
    }
  }
}

TEST(OmittedRecords, ProofsMadeWithoutThemAreRejected) {
  for_small_subjects([](const auto& s) { expect_caught(s); });
}

TEST(OmittedRecords, AreSeenByTheMatrix) {
  for_small_subjects([](const auto& s) { expect_seen(s); });
}

}  // namespace
}  // namespace dsperse::soundness
