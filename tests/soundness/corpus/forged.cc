// Forged slice proofs: a lie for each kind of constraint, check, message and opening. The prover follows the protocol but for it.
#include "cases.h"
#include "dsperse/proof/slice_argument.h"

namespace dsperse::soundness {
namespace {

using crypto::Fp;
using proof::CommittedTree;
using proof::Profile;
using quantize::IntTensor;
using relation::Kind;
using relation::Values;

template <int D>
using E = crypto::Ext<D>;

const std::string kEnd = "end check", kColumn = "column inconsistent with row combination";

/// A lie about values: it breaks a constraint, and the last check says so.
void add_lie(Corpus& out, const std::string& name, const SliceCase& c, relation::ValueForge forge = {}) {
  const Outcome o = attack_values(c, std::move(forge));
  if (o.constraints.empty() || o.checks.empty()) out.fault(name + " breaks nothing");
  add_attack(out, name, kEnd, "slice 0", c, o.proof);
}

void honest(SliceCase& c) {
  c.run();
  c.restate();
  bind(c);
}

/// The first product that an output is rounded from. Products that only identities have follow from their factors.
std::optional<std::uint32_t> rounded_product(const relation::Relation& relation) {
  for (const auto& r : relation.requantizations)
    for (const relation::Term& t : r.acc)
      if (t.of == relation::Term::Of::product) return t.id;
  return {};
}

/// One element of each op's output, of each input, of each kind of auxiliary tensor; accumulators; weights that are not the
/// key's.
void add_values(Corpus& out, const std::string& slice, SliceCase c) {
  const std::string name = slice + " " + std::to_string(proof::bits(c.key.profile)) + ": ";
  const relation::Relation relation = proof::slice_relation(c.key).value();
  for (std::uint32_t i = 0; i < c.program.ops.size(); ++i) {
    const std::int64_t hi = c.program.tensors[quantize::op_output(c.program.ops[i])].hi;
    c.run([&](std::uint32_t op, IntTensor& y) {
      if (op == i) y[y.size() / 2] += y[y.size() / 2] < hi ? 1 : -1;
    });
    c.restate();
    bind(c);
    add_lie(out, name + c.program.ops[i].onnx_type + " " + std::to_string(i) + " off by one", c);
  }
  const quantize::TensorStore inputs = c.trace;
  for (const proof::Port& p : c.key.inputs) {
    if (p.is_public) continue;
    c.trace[p.tensor][0] = static_cast<std::int32_t>(c.program.tensors[p.tensor].hi + 1);
    honest(c);
    add_lie(out, name + c.program.tensors[p.tensor].name + " out of range", c);
    c.trace = inputs;
  }
  honest(c);
  std::set<Kind> done{Kind::weight, Kind::value};  // these are not the witness tree's
  for (relation::TensorRef r = 0; r < relation.tensors.size(); ++r) {
    const Kind kind = relation.tensors[r].kind;
    if (!done.insert(kind).second && kind != Kind::row) continue;  // each part of an op over rows
    const auto lie = [&](Values& v) { v.own(r)[0] += 1; };
    const bool counted = kind == Kind::multiplicity;
    const Outcome o =
        attack_values(c, counted ? relation::ValueForge{.multiplicities = lie} : relation::ValueForge{.tensors = lie});
    if (o.checks.empty()) out.fault(name + "a lie that breaks nothing");
    add_attack(out, name + relation.tensors[r].name + " one more", kEnd, "slice 0", c, o.proof);
  }
  if (const auto product = rounded_product(relation))
    add_lie(out, name + "an accumulator one more", c, {.tensors = [=](Values& v) { v.product(*product)[0] += 1; }});
  if (!c.weights.empty()) {
    auto& w = c.weights[0].narrow;
    w[0] = static_cast<std::int16_t>(w[0] > 0 ? w[0] - 1 : w[0] + 1);
    honest(c);
    add_lie(out, name + "other weights than the key's", c);
  }
}

/// Forges that need the challenges' field: messages, slots, openings, trees.
template <int D>
class Messages {
 public:
  using Forge = SliceForge<D>;
  Messages(Corpus& out, SliceCase c, std::string name) : out_(out), c_(std::move(c)), name_(std::move(name)) {
    const auto relation = proof::slice_relation(c_.key).value();
    layout_ = proof::slice_layout<D>(proof::slice_spec(c_.key, relation), relation);
  }

  void hidden() {
    messages();
    slots();
  }

  void openings() {
    for (std::size_t g = 0; g < layout_.groups.size(); ++g) {
      const std::string label = layout_.groups[g].label, where = "slice 0 > " + label;
      Forge f;
      f.argument.v = [g](std::size_t k, E<D>& v) {
        if (k == g) v += E<D>::one();
      };
      add("v of " + label, "u does not evaluate to v", where, f);
      f.argument.u = [&](std::size_t k, const E<D>&, std::span<const E<D>> point, std::vector<E<D>>& u) {
        if (k != g) return;
        E<D> eq0 = E<D>::one();
        for (unsigned b = 0; b < layout_.groups[g].geometry.code.c; ++b) eq0 *= E<D>::one() - point[b];
        u[0] += inverse(eq0);
      };
      add("v of " + label + " with u fitted", kEnd, "slice 0", f);
      f = {};
      f.argument.u = [g](std::size_t k, const E<D>&, std::span<const E<D>>, std::vector<E<D>>& u) {
        if (k == g) u.back() += E<D>::one();
      };
      add("a pad in u of " + label, kColumn, where, f);
    }
    Forge f;
    f.argument.h = [](E<D>& h) { h += E<D>::one(); };
    add("h", kEnd, "slice 0", f);
    f.argument.u_end = [](const crypto::Form<D>& claim, const E<D>& target, std::vector<E<D>>& u) {
      E<D> got, same;
      const std::uint32_t at = claim.coef.front().first;
      for (const auto& [i, k] : claim.coef) {
        got += k * u[i];
        if (i == at) same += k;
      }
      u[at] += (target - got) * inverse(same);
    };
    add("h with u_end fitted", kColumn, "slice 0 > end", f);
    f = {};
    f.argument.u_end = [](const crypto::Form<D>&, const E<D>&, std::vector<E<D>>& u) { u.back() += E<D>::one(); };
    add("a pad in u_end", kColumn, "slice 0 > end", f);
    const std::vector<std::pair<std::string, std::function<void(crypto::Opening&)>>> changes{
        {"a column", [](crypto::Opening& o) { o.columns.back() += Fp(1); }},
        {"a salt", [](crypto::Opening& o) { o.salts[0][31] ^= 1; }},
        {"a path digest", [](crypto::Opening& o) { o.path[0][0] ^= 1; }},
        {"two columns exchanged", [](crypto::Opening& o) {
           for (std::size_t i = 0; i < o.rows; ++i) std::swap(o.columns[i], o.columns[o.rows + i]);
           std::swap(o.salts[0], o.salts[1]);
         }}};
    for (const auto& [what, change] : changes) {
      f = {};
      f.argument.opened = [&change = change](std::vector<crypto::Opening>& o) { change(o.back()); };
      add("end tree: " + what, "Merkle root", "slice 0 > end", f);
      f.argument.opened = [&change = change](std::vector<crypto::Opening>& o) { change(o.front()); };
      add("first tree: " + what, "Merkle root", "slice 0", f);
    }
    f.argument.opened = [](std::vector<crypto::Opening>& o) { o.back().path.pop_back(); };
    add("a path too short", "Merkle path too short", "slice 0 > end", f);
    f.argument.opened = [](std::vector<crypto::Opening>& o) { o.back().path.emplace_back(); };
    add("a path too long", "Merkle path too long", "slice 0 > end", f);
  }

  /// Rows that are no codewords: errors in half the distance's columns and beyond, one coefficient too many, other rows.
  void words() {
    const std::size_t n_groups = layout_.groups.size();
    for (const std::size_t g : {n_groups - 1, n_groups}) {
      const std::string where = g == n_groups ? "end" : "witness";
      const auto spoilt = [&](const std::string& what, const std::function<void(const crypto::Code&, std::vector<Fp>&)>& spoil) {
        Forge f;
        f.argument.committed = [&](std::size_t k, CommittedTree& tree) {
          if (k == g) tree.tree = spoil_row(tree, spoil);
        };
        add(where + " tree: " + what, kColumn, "slice 0 > " + where, f);
      };
      for (const double share : {0.5, 0.95})
        spoilt(share == 0.5 ? "errors at half the distance" : "errors near the distance",
               [&](const crypto::Code& code, std::vector<Fp>& word) {
                 const auto distance = static_cast<double>(code.n() - code.k());
                 for (std::size_t j = 0; j < static_cast<std::size_t>(share * distance); ++j) word[j] += Fp(1);
               });
      spoilt("a coefficient too many", [](const crypto::Code& code, std::vector<Fp>& word) {
        for (std::size_t j = 0; j < word.size(); ++j) word[j] += crypto::power(crypto::column_point(code, j), code.k());
      });
      spoilt("other rows", [](const crypto::Code&, std::vector<Fp>& word) {
        for (Fp& x : word) x += Fp(1);
      });
    }
  }

 private:
  void add(const std::string& what, const std::string& reason, const std::string& where, const Forge& forge) {
    const auto proof = c_.template prove<D>(forge);
    add_attack(out_, name_ + what, reason, where, c_, proof ? *proof : Bytes{});
  }

  /// The honest value of one message, or all of a label's, replaced.
  void messages() {
    const auto at = [&](const std::string& what, auto member, std::uint32_t which) {
      Forge f;
      f.argument.*member = [which](std::string_view, std::uint32_t i, E<D>& x) {
        if (i == which) x += E<D>::basis(D - 1);
      };
      add(what, kEnd, "slice 0", f);
    };
    at("the first hidden message", &proof::Forge<D>::hidden, 0);
    at("the last hidden message", &proof::Forge<D>::hidden, layout_.pads - 1);
    at("a clear e", &proof::Forge<D>::clear, 0);
    at("a clear d", &proof::Forge<D>::clear, static_cast<std::uint32_t>(2 * layout_.slots.size() - 1));
    at("the last sumcheck's first message", &proof::Forge<D>::last, 0);
    at("the last sumcheck's last message", &proof::Forge<D>::last, 2 * layout_.vars - 1);
    for (const std::string label : {"fraction", "root p", "root q", "root 1/q"}) {
      bool done = false;
      Forge f;
      f.argument.hidden = [&](std::string_view l, std::uint32_t, E<D>& x) {
        if (l != label || done) return;
        done = true;
        x += E<D>::one();
      };
      add("hidden " + label, kEnd, "slice 0", f);
      if (!done) out_.fault(name_ + "no message " + label);
    }
    Forge f;  // P and Q of the root times two: the sum stays, the level below objects
    f.argument.hidden = [](std::string_view l, std::uint32_t, E<D>& x) {
      if (l == "root p" || l == "root q") x = x + x;
      if (l == "root 1/q") x = x * inverse(Fp(2));
    };
    add("a scaled root of the fraction tree", kEnd, "slice 0", f);
    f = {};
    f.schedule.leaves = [](std::vector<E<D>>& p, std::vector<E<D>>&) {
      for (E<D>& x : p)
        if (x == E<D>()) {
          x = E<D>::one();
          return;
        }
    };
    add("a dummy leaf counts", kEnd, "slice 0", f);
  }

  void slots() {
    const std::vector<std::string> parts{"product", "f", "g", "h"};
    for (std::size_t part = 0; part < parts.size(); ++part) {
      Forge f;
      f.argument.slots = [part](std::vector<E<D>>& s) { s[part] += E<D>::one(); };
      add("slot " + parts[part], kEnd, "slice 0", f);
    }
  }

  /// A tree over the same words but for the first, which is spoilt: any word is a polynomial of n coefficients.
  static std::unique_ptr<crypto::Tree> spoil_row(const CommittedTree& tree,
                                                 const std::function<void(const crypto::Code&, std::vector<Fp>&)>& spoil) {
    const crypto::Code& code = tree.code;
    const std::size_t n = code.n(), k = code.k();
    const crypto::Code whole{code.c, n - code.kd(), code.log_n};
    std::vector<Fp> word(n), points(n);
    for (std::size_t j = 0; j < n; ++j) {
      points[j] = crypto::column_point(code, j);
      for (std::size_t i = k; i-- > 0;) word[j] = word[j] * points[j] + tree.at(0, i);
    }
    spoil(code, word);
    std::vector<Fp> first(n), powers(n, inverse(Fp(n)));  // coefficient i: sum of word_j points_j^-i / n
    for (std::size_t j = 0; j < n; ++j) points[j] = inverse(points[j]);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        first[i] += word[j] * powers[j];
        powers[j] *= points[j];
      }
    std::vector<std::vector<Fp>> rows(tree.rows.size(), std::vector<Fp>(n));
    std::vector<crypto::TableauRow> tableau;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t j = 0; j < n; ++j) rows[i][j] = i == 0 ? first[j] : j < k ? tree.at(i, j) : Fp();
      tableau.push_back({crypto::Symbols(rows[i].data()), rows[i].data() + whole.kd()});
    }
    return std::make_unique<crypto::Tree>(crypto::Tree::commit(whole, tableau, proof::testing::test_seed(1, "words")));
  }

  Corpus& out_;
  SliceCase c_;
  std::string name_;
  proof::Layout layout_;
};

using Change = std::function<void(std::uint64_t&)>;

/// Nonces that are not good: below the least good one, beyond all, none.
void add_work(Corpus& out) {
  const SliceCase c = slice_case("rearrange", {}, proof::kWorkBits);
  const auto with = [&](const std::string& name, const std::string& where, Change proof::Forge<2>::* hook, const Change& change) {
    SliceForge<2> f;
    f.argument.*hook = change;
    add_attack(out, "work: " + name, "proof of work", "slice 0 > " + where, c, c.prove<2>(f).value());
  };
  for (const bool columns : {false, true}) {
    const std::string where = columns ? "columns" : "challenges";
    const auto hook = columns ? &proof::Forge<2>::column_work : &proof::Forge<2>::first_work;
    with("a nonce before the first good one, " + where, where, hook,
         [&](std::uint64_t& n) { n = n == 0 ? std::uint64_t{1} << 48 : n - 1; });
    with("a nonce beyond all, " + where, where, hook, [&](std::uint64_t& n) { n += std::uint64_t{1} << 48; });
    with("no work, " + where, where, hook, [&](std::uint64_t& n) { n = n == 0 ? std::uint64_t{1} << 48 : 0; });
  }
}

}  // namespace

void add_forged(Corpus& out) {
  for (const std::string name : {"gemm wide", "gemm saturating", "conv", "depthwise", "sum", "average", "max pool", "rearrange",
                                 "contract", "element-wise"})
    add_values(out, name, slice_case(name));
  for (const NamedSlice& s : row_slices()) add_values(out, s.name, slice_case(s.name));
  add_values(out, "rearrange", slice_case("rearrange", Profile::bits128));
  add_work(out);
  Messages<2>(out, slice_case("gemm wide"), "gemm 100: ").openings();
  Messages<2> quadratic(out, slice_case("rearrange"), "rearrange 100: ");
  quadratic.hidden();
  quadratic.words();
  Messages<3> cubic(out, slice_case("rearrange", Profile::bits128), "rearrange 128: ");
  cubic.hidden();
  cubic.openings();
  cubic.words();
}

}  // namespace dsperse::soundness
