#include "dsperse/relation/schedule.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "dsperse/base/rule.h"
#include "dsperse/crypto/poly/verifier_math.h"

namespace dsperse::relation {
namespace {

/// Elements of a product's factors from which on its tables are worth all threads.
constexpr std::size_t kLargeFactors = std::size_t{1} << 18;

using crypto::Ext;
using crypto::Form;
using crypto::Party;

template <int D>
class Schedule {
 public:
  using E = Ext<D>;
  Schedule(Party<D>& party, const Relation& relation, const PublicTensors& publics, Witness<D>* witness)
      : party_(party), relation_(relation), publics_(publics), witness_(witness) {}

  void run() {
    lookups();
    for (const Identity& identity : relation_.identities) check_identity(identity);
    for (const Open& open : open_) contract(open);
    fill_factor_claims();
    party_.sacrifice();
  }

 private:
  struct Open {
    std::uint32_t product;
    BoundProduct<D> bound;
    Form<D> value;
  };

  /// A product at the claim of the term that reads it.
  struct Bound {
    BoundProduct<D> product;
    E value;
  };
  /// The functional of a factor, which nothing reads before the schedule's end.
  struct FactorClaim {
    std::shared_ptr<crypto::RankOne<D>> functional;
    const Open* open;
    bool is_b;
    std::vector<E> point;
  };

  /// body(i) for all i < sizes.size(): side by side in a prover.
  void for_each(const std::vector<std::size_t>& sizes, const std::function<void(std::size_t)>& body) {
    if (witness_ != nullptr) return witness_->side_by_side(sizes, body);
    for (std::size_t i = 0; i < sizes.size(); ++i) body(i);
  }

  using Functional = std::shared_ptr<const crypto::RankOne<D>>;
  static Functional functional(Vectors<D> vectors) {
    return std::make_shared<const crypto::RankOne<D>>(crypto::RankOne<D>{std::move(vectors)});
  }

  /// <vectors, tensor> * scalar: a claim on a commitment, or a constant.
  Form<D> claim(TensorRef tensor, const E& scalar, Functional vectors) {
    if (publics_[tensor])
      return party_.dry() ? Form<D>() : Form<D>(publics_[tensor].template evaluate<D>(vectors->vectors) * scalar);
    Form<D> f;
    f.claims.push_back({tensor, scalar, std::move(vectors)});
    return f;
  }

  /// One public vector per letter. Terms that read a tensor at the site's own letters share the functional.
  struct Site {
    Shape shape;
    Functional eq;
    [[nodiscard]] const Vectors<D>& vectors() const { return eq->vectors; }
  };

  /// Letter k at axis k of the site's own size, nothing else.
  static bool reads_site(const Term& term, const Site& site) {
    if (!term.scales.empty() || !term.extra.empty() || term.view.axes != site.shape) return false;
    for (std::uint32_t k = 0; k < site.shape.size(); ++k) {
      const AxisMap& m = term.view.maps[k];
      if (m.offset != 0 || m.parts.size() != 1 || m.parts[0].first != k || m.parts[0].second != 1) return false;
    }
    return true;
  }

  /// The site's vectors times the term's scales; `scaled` holds them where there are any.
  static const Vectors<D>& scale(const Term& term, const Site& site, Vectors<D>& scaled) {
    if (term.scales.empty()) return site.vectors();
    scaled = site.vectors();
    for (const Scale& s : term.scales)
      for (std::size_t i = 0; i < s.values.size(); ++i) scaled[s.letter][i] = scaled[s.letter][i] * s.values[i];
    return scaled;
  }

  Bound bind(const Term& term, const Site& site) const {
    Vectors<D> scaled;
    Bound out{bind_product(relation_.products[term.id], scale(term, site, scaled)), E{}};
    if (witness_ != nullptr) out.value = witness_->product(term.id, out.product);
    return out;
  }

  /// <vectors, term> over a site. A dry run has no vectors: it counts messages, and costs nothing that grows with the tensors, so
  /// that a proof's length is checked before a key's sizes are believed.
  /// ready: of a product, if it was bound before.
  Form<D> term_form(const Term& term, const Site& site, Bound* ready = nullptr) {
    if (party_.dry()) {
      if (term.of != Term::Of::product) return {};
      const Form<D> hidden = party_.hide("accumulator");
      open_.push_back({term.id, shared_letters<D>(relation_.products[term.id]), hidden});
      return hidden;
    }
    E scalar(term.scalar);
    if (term.of == Term::Of::tensor && reads_site(term, site)) return claim(term.id, scalar, site.eq);
    if (term.of == Term::Of::product) {
      Bound bound = ready != nullptr ? std::move(*ready) : bind(term, site);
      const Form<D> hidden = party_.hide("accumulator", bound.value);
      open_.push_back({term.id, std::move(bound.product), hidden});
      return hidden * scalar;
    }
    Vectors<D> scaled;
    const Vectors<D>& vectors = scale(term, site, scaled);
    std::vector<bool> used(vectors.size() + term.extra.size(), false);
    for (const AxisMap& m : term.view.maps)
      for (const auto& part : m.parts) used[part.first] = true;
    for (std::size_t k = 0; k < used.size(); ++k) {
      if (used[k]) continue;
      scalar *= k < vectors.size() ? total<D>(vectors[k]) : E::from_signed(term.extra[k - vectors.size()]);
    }
    Vectors<D> axes;
    for (std::size_t k = 0; k < term.view.maps.size(); ++k)
      axes.push_back(axis_vector<D>(term.view.maps[k], term.view.axes[k], vectors, term.extra));
    if (term.of == Term::Of::constant) {
      for (const auto& v : axes) scalar *= total<D>(v);
      return Form<D>(scalar);
    }
    return claim(term.id, scalar, functional(std::move(axes)));
  }

  /// eq at the point on the real elements of each axis; the last axis has the lowest variables.
  Site site_at(const Shape& shape, std::span<const E> point) const {
    if (party_.dry()) return {};
    Vectors<D> out(shape.size());
    for (std::size_t k = shape.size(); k-- > 0;) {
      const unsigned bits = bits_for(static_cast<std::uint64_t>(shape[k]));
      out[k] = crypto::eq_values<D>(point.first(bits));
      out[k].resize(static_cast<std::size_t>(shape[k]));
      point = point.subspan(bits);
    }
    return {shape, functional(std::move(out))};
  }

  /// 1 / (base - row) of out.size() rows from `first` on; false if one is not defined. Tables are a few runs of rows with one
  /// difference, so the denominators are arithmetic progressions.
  static bool reciprocals(const Table& table, std::size_t first, const E& base, const std::vector<E>& beta, std::span<E> out) {
    const auto compressed = [&](const std::array<Fp, kMaxWidth>& row) {
      E x;
      for (std::size_t k = 0; k < table.width; ++k) x += beta[k] * row[k];
      return x;
    };
    const auto difference = [&](std::size_t i) {
      std::array<Fp, kMaxWidth> step;
      for (std::size_t k = 0; k < kMaxWidth; ++k) step[k] = table.rows[first + i][k] - table.rows[first + i - 1][k];
      return step;
    };
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < out.size();) {
      out[i] = base - compressed(table.rows[first + i]);
      if (++i < out.size()) {
        const std::array<Fp, kMaxWidth> step = difference(i);
        const E less = compressed(step);
        for (; i < out.size() && difference(i) == step; ++i) out[i] = out[i - 1] - less;
      }
      ends.push_back(i);
    }
    return crypto::invert_progressions<D>(out, ends);
  }

  /// Sum over all table rows of m / (alpha - row).
  Form<D> tables_form(const E& alpha, const std::vector<E>& beta) {
    constexpr std::size_t kPiece = 2048;  // rows that are inverted together
    Form<D> tables;
    if (party_.dry()) return tables;
    struct Piece {
      const Table* table;
      std::size_t first;
      E base;
      std::span<E> out;
      bool ok;
    };
    std::vector<std::pair<TensorRef, std::vector<E>>> inverses;
    std::vector<Piece> pieces;
    std::vector<std::size_t> sizes;
    for (TensorRef ref = 0; ref < relation_.tensors.size(); ++ref) {
      const Tensor& m = relation_.tensors[ref];
      if (m.kind != Kind::multiplicity) continue;
      const Table& table = relation_.tables[m.index];
      std::vector<E>& values = inverses.emplace_back(ref, table.rows.size()).second;
      for (std::size_t at = 0; at < values.size(); at += kPiece) {
        const std::size_t n = std::min(kPiece, values.size() - at);
        pieces.push_back({&table, at, alpha - beta[kMaxWidth] * Fp(m.index + 1), std::span(values).subspan(at, n), false});
        sizes.push_back(n);
      }
    }
    const auto invert = [&](std::size_t i) {
      Piece& p = pieces[i];
      p.ok = reciprocals(*p.table, p.first, p.base, beta, p.out);
    };
    for_each(sizes, invert);
    if (!std::ranges::all_of(pieces, &Piece::ok)) party_.abort_run();
    for (auto& [ref, values] : inverses) tables += claim(ref, E::one(), functional({std::move(values)}));
    return tables;
  }

  /// What is looked up; `any` holds what stands in for a disarmed lookup's columns.
  const std::vector<Terms>& columns_of(const Lookup& lookup, std::vector<Terms>& any) const {
    if constexpr (kDisarmable)
      if (disarmed("constraint " + lookup.id)) any = columns_of_a_row(relation_, lookup);
    return any.empty() ? lookup.columns : any;
  }

  /// The products that lookups read, in the order of their terms: one does not wait for another.
  std::vector<Bound> bind_all(const LeafCube& cube, const std::map<Shape, Site>& sites) {
    std::vector<Bound> out;
    if (party_.dry()) return out;
    std::vector<std::pair<const Term*, const Site*>> terms;
    std::vector<std::size_t> sizes;
    for (const LeafBlock& block : cube.blocks) {
      const Lookup& lookup = relation_.lookups[block.lookup];
      std::vector<Terms> any;
      for (const Terms& column : columns_of(lookup, any))
        for (const Term& term : column) {
          if (term.of != Term::Of::product) continue;
          const Product& p = relation_.products[term.id];
          terms.emplace_back(&term, &sites.find(lookup.shape)->second);
          sizes.push_back(static_cast<std::size_t>(quantize::elements(relation_.tensors[p.a.tensor].shape) +
                                                   quantize::elements(relation_.tensors[p.b.tensor].shape)));
        }
    }
    // Large factors are folded by all threads, one after the other.
    out.resize(terms.size());
    for (std::size_t i = 0; i < terms.size(); ++i)
      if (sizes[i] >= kLargeFactors) out[i] = bind(*terms[i].first, *terms[i].second), sizes[i] = 0;
    for_each(sizes, [&](std::size_t i) {
      if (sizes[i] != 0) out[i] = bind(*terms[i].first, *terms[i].second);
    });
    return out;
  }

  void lookups() {
    if (relation_.lookups.empty()) return;
    const E b = party_.challenge("beta"), alpha = party_.challenge("alpha");
    std::vector<E> beta{E::one()};
    for (std::size_t k = 0; k < kMaxWidth; ++k) beta.push_back(beta.back() * b);
    const Form<D> tables = tables_form(alpha, beta);
    if (party_.aborted()) return;
    const LeafCube cube = leaf_cube(relation_);
    crypto::FractionProver<D>* prover = witness_ != nullptr ? witness_->leaves(alpha, beta) : nullptr;
    const crypto::FractionEnd<D> end = crypto::fraction_tree(party_, cube.vars, tables, prover);

    Form<D> p, q;
    E used;
    const std::span<const E> point(end.point);
    std::map<Shape, Site> sites;  // lookups of one shape have the lowest variables in common
    for (const LeafBlock& block : cube.blocks) {
      const auto [it, fresh] = sites.try_emplace(relation_.lookups[block.lookup].shape);
      if (fresh) it->second = site_at(it->first, point.first(block.vars));
    }
    std::vector<Bound> products = bind_all(cube, sites);
    std::size_t bound = 0;
    for (const LeafBlock& block : cube.blocks) {
      const Lookup& lookup = relation_.lookups[block.lookup];
      const E sel = crypto::eq_at<D>(point.subspan(block.vars), block.offset >> block.vars);
      const Site& site = sites.find(lookup.shape)->second;
      E real = E::one();
      if (!party_.dry())
        for (const auto& v : site.vectors()) real *= total<D>(v);
      used += sel;
      p += sel * real;
      q += ((alpha - beta[kMaxWidth] * Fp(lookup.table + 1)) * real + E::one() - real) * sel;
      std::vector<Terms> any;
      const std::vector<Terms>& columns = columns_of(lookup, any);
      for (std::size_t c = 0; c < columns.size(); ++c)
        for (const Term& term : columns[c]) {
          Bound* const ready = !party_.dry() && term.of == Term::Of::product ? &products[bound++] : nullptr;
          q.add_scaled(term_form(term, site, ready), -(beta[c] * sel));
        }
    }
    party_.check("lookup leaves p", end.p - p);
    party_.check("lookup leaves q", end.q - q - (E::one() - used));
  }

  void check_identity(const Identity& identity) {
    Vectors<D> vectors;
    vectors.reserve(identity.shape.size());
    for (const std::int64_t n : identity.shape) {
      std::vector<E> point;
      for (unsigned k = 0; k < bits_for(static_cast<std::uint64_t>(n)); ++k) point.push_back(party_.challenge("identity"));
      if (party_.dry()) continue;
      vectors.push_back(crypto::eq_values<D>(std::span<const E>(point)));
      vectors.back().resize(static_cast<std::size_t>(n));
    }
    const Site site{identity.shape, functional(std::move(vectors))};
    Form<D> sum;
    for (const Term& term : identity.terms) sum += term_form(term, site);
    party_.check(identity.id, std::move(sum));
  }

  Form<D> factor_claim(const Open& open, bool is_b, std::span<const E> point) {
    if (party_.dry()) return {};
    const Product& product = relation_.products[open.product];
    const TensorRef tensor = (is_b ? product.b : product.a).tensor;
    const auto& rows = is_b ? open.bound.b : open.bound.a;
    if (publics_[tensor]) return claim(tensor, E::one(), functional(factor_vectors<D>(open.bound, rows, point)));
    auto later = std::make_shared<crypto::RankOne<D>>();
    factor_claims_.push_back({later, &open, is_b, {point.begin(), point.end()}});
    return claim(tensor, E::one(), std::move(later));
  }
  void fill_factor_claims() {
    std::vector<std::size_t> sizes;
    for (const FactorClaim& c : factor_claims_) sizes.push_back(std::size_t{1} << c.open->bound.vars);
    for_each(sizes, [&](std::size_t i) {
      const FactorClaim& c = factor_claims_[i];
      const BoundProduct<D>& bound = c.open->bound;
      c.functional->vectors = factor_vectors<D>(bound, c.is_b ? bound.b : bound.a, std::span<const E>(c.point));
    });
  }

  void contract(const Open& open) {
    const Product& product = relation_.products[open.product];
    const auto end = crypto::sumcheck<D>(party_, crypto::Pads::witness, "product", open.value, open.bound.vars,
                                         witness_ != nullptr ? witness_->rounds(open.product) : nullptr);
    const std::array<E, 2> v = witness_ != nullptr ? witness_->product_end(open.product) : std::array<E, 2>{};
    const Form<D> a = party_.hide("factor a", v[0]), b = party_.hide("factor b", v[1]);
    const std::span<const E> point(end.point);
    party_.check(product.id, end.claim - party_.mul(a, b));
    party_.check(product.id + " a", factor_claim(open, false, point) - a);
    party_.check(product.id + " b", factor_claim(open, true, point) - b);
  }

  Party<D>& party_;
  const Relation& relation_;
  const PublicTensors& publics_;
  Witness<D>* witness_;
  std::vector<Open> open_;
  std::vector<FactorClaim> factor_claims_;
};

/// Trailing axes are joined up to this many entries, so that short axes (kernels, few channels) do not make short sums.
constexpr std::size_t kJoined = 64;

crypto::Fp reduced(__int128 x) {
  return x < 0 ? -crypto::Fp(crypto::reduce128(static_cast<unsigned __int128>(-x)))
               : crypto::Fp(crypto::reduce128(static_cast<unsigned __int128>(x)));
}

/// sum of v[j] tail[j]. Below 2^31 in magnitude, products and their sum fit 128 bits limb by limb: one reduction a sum.
template <int D, class T>
Ext<D> dot(const T* v, const std::vector<Ext<D>>& tail) {
  if constexpr (sizeof(T) > 4) {
    Ext<D> sum;
    for (std::size_t j = 0; j < tail.size(); ++j) sum += tail[j] * crypto::Fp::from_signed(v[j]);
    return sum;
  } else {
    std::array<__int128, D> sum{};
    for (std::size_t j = 0; j < tail.size(); ++j)
      for (std::size_t l = 0; l < D; ++l) sum[l] += static_cast<__int128>(tail[j].c[l].v) * v[j];
    Ext<D> out;
    for (std::size_t l = 0; l < D; ++l) out.c[l] = reduced(sum[l]);
    return out;
  }
}

template <int D, class T>
Ext<D> fold_values(std::span<const T> values, const Vectors<D>& vectors) {
  std::size_t axes = vectors.size() - 1;
  std::vector<Ext<D>> tail = vectors[axes];
  while (axes > 0 && tail.size() < kJoined) {
    std::vector<Ext<D>> longer;
    longer.reserve(vectors[axes - 1].size() * tail.size());
    for (const Ext<D>& a : vectors[axes - 1])
      for (const Ext<D>& b : tail) longer.push_back(a * b);
    tail = std::move(longer);
    --axes;
  }
  std::vector<Ext<D>> now;
  for (std::size_t i = 0; i + tail.size() <= values.size(); i += tail.size()) now.push_back(dot<D>(values.data() + i, tail));
  while (axes-- > 0) {
    const std::size_t n = vectors[axes].size();
    std::vector<Ext<D>> next;
    for (std::size_t i = 0; i + n <= now.size(); i += n) {
      Ext<D> s;
      for (std::size_t j = 0; j < n; ++j) s += vectors[axes][j] * now[i + j];
      next.push_back(s);
    }
    now = std::move(next);
  }
  return now.empty() ? Ext<D>{} : now[0];
}

}  // namespace

template <int D>
Ext<D> PublicTensor::evaluate(const Vectors<D>& vectors) const {
  if (values_ != nullptr) return fold_values<D>(std::span<const std::int32_t>(*values_), vectors);
  if (weights_->narrow.empty()) return fold_values<D>(std::span<const std::int64_t>(weights_->wide), vectors);
  return fold_values<D>(std::span<const std::int16_t>(weights_->narrow), vectors);
}
template Ext<2> PublicTensor::evaluate<2>(const Vectors<2>&) const;
template Ext<3> PublicTensor::evaluate<3>(const Vectors<3>&) const;

template <int D>
void run_schedule(Party<D>& party, const Relation& relation, const PublicTensors& publics, Witness<D>* witness) {
  Schedule<D>(party, relation, publics, witness).run();
}

template void run_schedule(Party<2>&, const Relation&, const PublicTensors&, Witness<2>*);
template void run_schedule(Party<3>&, const Relation&, const PublicTensors&, Witness<3>*);

}  // namespace dsperse::relation
