#include "audit.h"

#include <algorithm>
#include <unordered_map>

namespace dsperse::soundness {
namespace {

using crypto::Ext;
using crypto::Fp;

enum class Origin { system, derived, drawn };

/// Which kind of seed a stream of this label takes.
std::optional<Origin> wanted(const std::string& label) {
  if (label == "pads" || label == "slots" || label == "end pads" || label.starts_with("row ") || label.starts_with("mask ") ||
      label.starts_with("salts "))
    return Origin::system;
  if (label == "pad" || label == "salt") return Origin::derived;
  if (label == "salts") return Origin::drawn;
  return std::nullopt;
}

class Auditor {
 public:
  explicit Auditor(const Recording& r) : r_(r) {}

  Audit run() {
    seeds();
    streams();
    draws();
    fresh();
    given();
    unused();
    openings();
    out_.trees = roots_.size();
    return std::move(out_);
  }

 private:
  void found(std::string what) { out_.findings.insert(std::move(what)); }

  void seeds() {
    for (const Stream& s : r_.streams) streams_.emplace(s.key, &s);
    for (const Digest& s : r_.seeds)
      if (!origins_.emplace(s, Origin::system).second) found("a seed of the operating system came twice");
    std::set<Digest> tree_seeds;
    for (const auto& [from, to] : r_.derived) {
      origins_.emplace(to, Origin::derived);
      tree_seeds.insert(from);
    }
    for (const Drawn& d : r_.drawn)
      if (Digest seed; d.bytes.size() == seed.size() && streams_.contains(d.key) && streams_.at(d.key)->label != "salts") {
        std::copy(d.bytes.begin(), d.bytes.end(), seed.begin());
        origins_.emplace(seed, Origin::drawn);
      }
    for (const Stream& s : r_.streams)
      if (tree_seeds.contains(s.seed)) found("a tree's seed is used as it is: " + s.label);
    out_.seeds = r_.seeds.size();
  }

  void streams() {
    std::set<std::tuple<Digest, std::string, std::uint64_t>> opened;
    for (const Stream& s : r_.streams) {
      const auto kind = wanted(s.label);
      const auto origin = origins_.find(s.seed);
      if (!kind)
        found("a stream of unknown use: " + s.label);
      else if (origin == origins_.end() || origin->second != *kind)
        found("a seed of the wrong kind: " + s.label);
      if (!opened.emplace(s.seed, s.label, s.number).second && kind == Origin::system) found("a stream opened twice: " + s.label);
      const Stream& same = *streams_.at(s.key);
      if (same.label != s.label || same.number != s.number || same.seed != s.seed)
        found("two streams are one: " + s.label + ", " + same.label);
    }
  }

  /// Symbols by value, and no byte read twice.
  void draws() {
    std::map<Digest, std::map<std::uint64_t, const Drawn*>> by_stream;
    for (const Drawn& d : r_.drawn) {
      const auto stream = streams_.find(d.key);
      if (stream == streams_.end()) {
        found("drawn from a stream that nobody opened");
        continue;
      }
      const std::string& label = stream->second->label;
      if (label == "salts") continue;  // expanded again for openings; salts() holds the seeds apart
      const auto [at, first] = by_stream[d.key].emplace(d.from, &d);
      if (!first) {
        const bool same = at->second->elements == d.elements && at->second->bytes == d.bytes;
        if (!same || wanted(label) == Origin::system) found("bytes of a stream read twice: " + label);
        continue;
      }
      for (const std::uint64_t x : d.elements)
        if (!symbols_.emplace(x, Symbol{&label, 0}).second) found("the same symbol drawn twice: " + label);
    }
    for (const auto& [key, draws] : by_stream) {
      std::uint64_t end = 0;
      for (const auto& [from, d] : draws) {
        if (from < end) found("bytes of a stream read twice: " + streams_.at(key)->label);
        end = std::max(end, d->to);
      }
    }
  }

  /// A place that must hold a symbol of its own, from a stream of this label.
  void place(Fp value, const std::string& label, const char* use) {
    const auto at = symbols_.find(value.v);
    if (at == symbols_.end()) return found(std::string("not random: ") + use);
    if (*at->second.label != label) found(std::string("from another stream, ") + *at->second.label + ": " + use);
    if (at->second.uses++ > 0) found(std::string("used twice: ") + use);
    ++out_.symbols;
  }
  void places(const CommittedRows& t, std::size_t row, std::size_t from, const std::string& label, const char* use) {
    for (std::size_t i = from; i < t.code.k(); ++i) place(t.rows[row * t.code.k() + i], label, use);
  }

  /// False if the tree was seen before.
  bool salts(const CommittedRows& t, bool fresh) {
    const auto [root, is_new] = roots_.emplace(t.root, &t);
    if (!is_new) {
      const bool same = root->second->salt_seed == t.salt_seed && root->second->rows.size() == t.rows.size() &&
                        std::equal(t.rows.begin(), t.rows.end(), root->second->rows.begin());
      if (fresh || !same) found("two trees with one root");
      return false;
    }
    if (!salt_seeds_.insert(t.salt_seed).second) found("a salt seed for two trees");
    const auto origin = origins_.find(t.salt_seed);
    if (origin == origins_.end() || origin->second != Origin::drawn) found("a salt seed of the wrong kind");
    return true;
  }

  void fresh() {
    for (const Argument& a : r_.arguments) {
      for (const std::size_t first : a.attempts)
        if (first + a.layout.groups.size() < r_.trees.size()) attempt(a, first);
      out_.fresh_starts += a.attempts.size() - 1;
      if (a.proof.empty()) continue;
      if (a.layout.degree() == 2)
        messages<2>(a);
      else
        messages<3>(a);
    }
  }

  static Fp witness_symbol(const CommittedRows& t, std::uint64_t at) {
    return t.rows[(at >> t.code.c) * t.code.k() + (at & (t.code.kd() - 1))];
  }

  void attempt(const Argument& a, std::size_t first) {
    const auto d = static_cast<std::size_t>(a.layout.degree());
    for (std::size_t g = 0; g < a.layout.groups.size(); ++g) {
      const CommittedRows& t = r_.trees[first + g];
      in_arguments_.insert(first + g);
      if (!salts(t, true)) continue;
      const std::string& label = a.layout.groups[g].label;
      const std::size_t rows = t.rows.size() / t.code.k();
      for (std::size_t i = 0; i + d < rows; ++i) places(t, i, t.code.kd(), "row " + label, "pad of a witness row");
      for (std::size_t i = rows - d; i < rows; ++i) places(t, i, 0, "mask " + label, "mask row");
    }
    const CommittedRows& witness = r_.trees[first + a.layout.groups.size() - 1];
    for (std::uint64_t i = 0; i < d * a.layout.pads; ++i)
      place(witness_symbol(witness, a.layout.pad_base + i), "pads", "pad of a message");
    for (std::uint64_t k = 0; k < a.layout.slots.size(); ++k)
      for (std::uint64_t i = d; i < 3 * d; ++i)  // f, g
        place(witness_symbol(witness, a.layout.slot_base + 4 * d * k + i), "slots", "f or g of a slot");
    const CommittedRows& end = r_.trees[first + a.layout.groups.size()];
    in_arguments_.insert(first + a.layout.groups.size());
    if (!salts(end, true)) return;
    for (std::size_t i = 0; i < end.rows.size() / end.code.k(); ++i) places(end, i, 0, "end pads", i < d ? "E1" : "E2");
  }

  /// What was said against what was committed, in the attempt that became the proof.
  template <int D>
  void messages(const Argument& a) {
    proof::ArgumentProof<D> p;
    if (!proof::decode_argument<D>(a.layout, a.proof, p)) return found("a proof that does not decode");
    const std::size_t first = a.attempts.back(), groups = a.layout.groups.size();
    const CommittedRows &witness = r_.trees[first + groups - 1], &end = r_.trees[first + groups];
    for (std::size_t g = 0; g < groups; ++g)
      if (p.fresh_roots[g] != r_.trees[first + g].root) return found("a root that was not committed");
    const auto element = [&](std::uint64_t at) {
      Ext<D> e;
      for (std::uint64_t l = 0; l < D; ++l) e.c[l] = witness_symbol(witness, at + l);
      return e;
    };
    const auto pad = [&](std::uint64_t i) { return element(a.layout.pad_base + D * i); };
    const auto slot = [&](std::uint64_t k, std::uint64_t part) { return element(a.layout.slot_base + D * (4 * k + part)); };
    const auto value = [](const std::vector<std::uint64_t>& limbs) {
      Ext<D> e;
      for (std::size_t l = 0; l < D; ++l) e.c[l] = Fp(limbs[l]);
      return e;
    };
    for (std::size_t i = 0; i < p.hidden.size(); ++i)
      if (!(p.hidden[i] == value(a.hidden[i]) + pad(i))) found("a message without its own pad");
    for (std::size_t i = 0; i < p.last.size(); ++i) {
      Ext<D> e1;
      for (std::size_t l = 0; l < D; ++l) e1.c[l] = end.rows[l * end.code.k() + i];
      if (!(p.last[i] == value(a.last[i]) + e1)) found("a last message without its own end pad");
    }
    Ext<D> rho;
    for (std::size_t k = 0; k < a.layout.slots.size(); ++k) {
      const Ext<D> x = pad(a.layout.slots[k].first), y = pad(a.layout.slots[k].second);
      if (!(slot(k, 0) == x * y) || !(slot(k, 3) == slot(k, 1) * slot(k, 2))) found("a slot that is no product");
      if (k == 0) rho = (p.clear[0] + slot(k, 1)) * inverse(x);
      if (!(p.clear[2 * k] == rho * x - slot(k, 1)) || !(p.clear[2 * k + 1] == y - slot(k, 2)))
        found("e or d without its own f or g");
    }
    out_.messages += p.hidden.size() + p.last.size() + p.clear.size();
  }

  void given() {
    for (std::size_t i = 0; i < r_.trees.size(); ++i)
      if (const CommittedRows& t = r_.trees[i]; !in_arguments_.contains(i) && salts(t, false))
        for (std::size_t row = 0; row < t.rows.size() / t.code.k(); ++row)
          places(t, row, t.code.kd(), "pad", "pad of a weight or boundary row");
  }

  void unused() {
    for (const auto& [value, symbol] : symbols_)
      if (symbol.uses == 0) found("drawn in vain: " + *symbol.label);
  }

  void openings() {
    std::map<Digest, std::size_t> columns;
    for (const Argument& a : r_.arguments)
      if (!a.proof.empty())
        for (std::size_t g = 0; g < a.given.size(); ++g)
          for (const Digest& root : a.given[g]) columns[root] += a.layout.groups[g].geometry.t;
    for (const auto& [root, n] : columns)
      if (const auto tree = roots_.find(root); tree == roots_.end() || n > tree->second->code.r)
        found("a tree opened more often than its pads allow");
  }

  struct Symbol {
    const std::string* label;
    std::size_t uses;
  };
  const Recording& r_;
  Audit out_;
  std::map<Digest, Origin> origins_;
  std::map<Digest, const Stream*> streams_;
  std::unordered_map<std::uint64_t, Symbol> symbols_;
  std::map<Digest, const CommittedRows*> roots_;
  std::set<Digest> salt_seeds_;
  std::set<std::size_t> in_arguments_;
};

}  // namespace

Audit audit(const Recording& recording) { return Auditor(recording).run(); }

}  // namespace dsperse::soundness
