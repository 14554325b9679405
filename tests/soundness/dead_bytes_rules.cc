// Attacks on the rules of decoders and of Merkle openings: bytes with a second spelling, or that ask for what is not there.
#include <algorithm>

#include "dead_rules.h"
#include "dsperse/crypto/commit/leaf.h"
#include "dsperse/crypto/commit/tree.h"
#include "dsperse/proof/slice_argument.h"
#include "dsperse/proof/testing/model.h"
#include "slices.h"

namespace dsperse::soundness {
namespace {

using Without = RuleAttack::Without;
using crypto::Code;
using crypto::Fp;
using crypto::Opening;
using proof::Profile;

void put(Bytes& bytes, std::size_t at, std::uint64_t x, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) bytes[at + k] = static_cast<std::uint8_t>(x >> (8 * k));
}

/// A slice proof and an epoch link, and where things lie in their bytes.
template <int D>
struct Proofs {
  SliceCase c;
  proof::Layout layout;
  Bytes proof;
  std::size_t path = 0;  ///< of the first tree: where its length is

  explicit Proofs(Profile profile) : c(*make_case(two_layers(), {.profile = profile, .constraints = {3, 1U << 20}})) {
    const auto relation = proof::slice_relation(c.key).value();
    layout = proof::slice_layout<D>(proof::slice_spec(c.key, relation), relation);
    proof = *c.prove();
    std::size_t elements =
        layout.pads + 2 * layout.slots.size() + 2 * layout.vars + layout.groups.size() + 1 + layout.end.code.k();
    for (const auto& g : layout.groups) elements += g.geometry.code.k();
    const auto& first = layout.groups[0];
    path = 8 + 32 * (layout.groups.size() + 1) + 16 + 8 * D * elements + first.geometry.t * (8 * first.trees[0].rows + 32);
  }
  [[nodiscard]] std::string decoded(const Bytes& bytes) const {
    proof::ArgumentProof<D> out;
    return proof::decode_argument<D>(layout, bytes, out).reason;
  }
  [[nodiscard]] std::string verified(const std::function<void(Bytes&)>& change) const {
    Bytes bytes = proof;
    change(bytes);
    return c.verify(bytes).reason;
  }
  /// A path of n digests more, that are there.
  [[nodiscard]] Bytes longer_path(std::size_t n) const {
    Bytes bytes = proof;
    put(bytes, path, ByteReader(ByteView(bytes).subspan(path)).u32() + n, 4);
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(path + 4), 32 * n, 0);
    return bytes;
  }
  /// A link whose first message is zero, spelled p.
  [[nodiscard]] std::string other_zero() const {
    const auto epoch = *proof::commit_weights(c.key, c.weights, proof::testing::test_seed(5));
    proof::EpochLink link{*c.key.weight_root, *epoch.root(), 1, 0, {}};
    SliceForge<D> f;
    f.argument.pads = [](std::vector<crypto::Ext<D>>& pads) { pads[0] = {}; };
    link.proof = *proof::prove_link_forged<D>(c.key, link, c.weight_tree, epoch, f);
    put(link.proof, 8 + 32 * 3 + 16, crypto::kP, 8);  // after magic, the roots of two groups and of the end tree, nonces
    return proof::verify_link(c.key, link).reason;
  }
};

template <int D>
RuleAttacks proof_attacks(Profile profile) {
  const auto all = std::make_shared<Proofs<D>>(profile);
  const auto verified = [all](const std::function<void(Bytes&)>& change) { return [=] { return all->verified(change); }; };
  const Bytes nothing(all->proof.begin(), all->proof.begin() + 8), junk = all->longer_path(std::size_t{1} << 18);
  Bytes huge = all->proof, swallowed = all->proof;
  put(huge, all->path, std::size_t{1} << 20, 4);
  while ((swallowed.size() - all->path - 4) % 32 != 0) swallowed.push_back(0);
  put(swallowed, all->path, (swallowed.size() - all->path - 4) / 32, 4);  // the first path takes all that follows
  const auto decoded = [all](const Bytes& bytes) { return [=] { return all->decoded(bytes); }; };
  return {
      {"proof: shortest length", "proof length", decoded(nothing), Without::allocates, 1000},
      {"proof: longest length", "proof length", decoded(junk), Without::allocates, std::size_t{1} << 22},
      {"proof: magic", "proof magic", verified([](Bytes& b) { b[7] = '9'; })},
      {"proof: path within the bytes", "proof truncated", decoded(huge), Without::allocates, std::size_t{1} << 24},
      {"proof: not truncated", "proof truncated", decoded(swallowed)},
      {"proof: no trailing bytes", "trailing bytes", verified([](Bytes& b) { b.push_back(0); })},
      {"proof: canonical elements", "element not canonical", [all] { return all->other_zero(); }},
  };
}

/// An opening of columns 0 and 5 of a small tree, changed.
std::string opened(const std::function<void(Code&, std::vector<std::uint32_t>&, Opening&)>& change,
                   std::vector<std::uint32_t> indices = {0, 5}) {
  Code code{4, 6, 6};
  std::vector<std::vector<Fp>> rows(3, std::vector<Fp>(code.k()));
  std::vector<crypto::TableauRow> tableau;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < code.k(); ++j) rows[i][j] = Fp(7 * i + j);
    tableau.push_back({crypto::Symbols(rows[i].data()), rows[i].data() + code.kd()});
  }
  const auto tree = crypto::Tree::commit(code, tableau, proof::testing::test_seed(2));
  Opening o = tree.open(indices);
  change(code, indices, o);
  return crypto::check_opening(code, tree.root(), indices, o).reason;
}

/// A tree of 2^log_n leaves of which one is known: its root, for a column of these words.
std::string one_leaf(unsigned log_n, std::vector<Fp> column) {
  Opening o;
  o.rows = column.size();
  o.columns = std::move(column);
  o.salts.resize(1);
  o.path.resize(log_n);
  std::vector<Digest> at(1);
  crypto::hash_leaves(o.rows, o.columns, o.salts, at);
  for (unsigned level = 0; level < log_n; ++level) {
    const std::vector<Digest> pair{at[0], o.path[level]};
    crypto::hash_nodes(pair, at);
  }
  return crypto::check_opening({0, 0, log_n}, at[0], std::vector<std::uint32_t>{0}, o).reason;
}

RuleAttacks opening_attacks() {
  using Indices = std::vector<std::uint32_t>;
  return {
      {"opening: code length", "code too long", [] { return one_leaf(33, {Fp(1)}); }},
      {"opening: some column", "no opened columns",
       [] {
         return opened([](Code&, Indices& i, Opening& o) {
           i.clear();
           o = {};
         });
       },
       Without::crashes},
      {"opening: indices", "column indices",  // column 0 passes for one that is not there
       [] { return opened([](Code&, Indices& i, Opening&) { i[0] = 64; }, {0}); }},
      {"opening: shape", "opening shape", [] { return opened([](Code&, Indices&, Opening& o) { o.salts.emplace_back(); }); }},
      {"opening: canonical elements", "element not canonical",
       [] {
         Fp other_one;
         other_one.v = crypto::kP + 1;
         return one_leaf(3, {other_one});
       }},
      {"opening: path not too short", "Merkle path too short",
       [] { return opened([](Code&, Indices&, Opening& o) { o.path.pop_back(); }); }, Without::crashes},
      {"opening: path not too long", "Merkle path too long",
       [] { return opened([](Code&, Indices&, Opening& o) { o.path.emplace_back(); }); }},
      {"opening: Merkle root", "Merkle root", [] { return opened([](Code&, Indices&, Opening& o) { o.salts[0][0] ^= 1; }); }},
  };
}

}  // namespace

RuleAttacks proof_bytes_attacks(Profile profile) {
  RuleAttacks out = profile == Profile::bits100 ? proof_attacks<2>(profile) : proof_attacks<3>(profile);
  for (RuleAttack& a : opening_attacks()) out.push_back(std::move(a));
  return out;
}

RuleAttacks bytes_attacks(Profile profile) {
  proof::testing::ModelSpec spec = proof::testing::skip_model();
  spec.profile = profile;
  const auto m = std::make_shared<proof::testing::ModelCase>(proof::testing::make_model(spec));
  const Bytes certificate = proof::encode_certificate(m->certificate), key = proof::encode_model_key(m->key);
  const auto as_certificate = [=](const std::function<void(Bytes&)>& change) {
    return [=] {
      Bytes bytes = certificate;
      change(bytes);
      const auto c = proof::decode_certificate(m->key, bytes);
      return c ? std::string() : c.error().what;
    };
  };
  const auto as_key = [=](const std::function<void(Bytes&)>& change) {
    return [=] {
      Bytes bytes = key;
      change(bytes);
      const auto k = proof::decode_model_key(bytes);
      return k ? std::string() : k.error().what;
    };
  };
  const std::size_t table = 8 + 32 + 4 + m->certificate.nonce.size() + 32;  // where the first entry of the table begins
  std::size_t slices = table + 4;
  for (const proof::Boundary& b : m->certificate.table) slices += 5 + (b.root ? 32 : 4 + 4 * b.values.size());
  std::size_t labels = 4;
  for (const std::string& s : m->key.labels) labels += 4 + s.size();
  proof::ModelKey hidden_input = m->key;
  hidden_input.chunks[0].is_public = !hidden_input.chunks[0].is_public;
  const Bytes other = proof::encode_model_key(hidden_input);
  const auto truth = static_cast<std::size_t>(std::mismatch(key.begin(), key.end(), other.begin()).first - key.begin());
  const std::string once = "the other rules say what is wrong; this one that there is one spelling, whatever the decoder does";
  const auto magic = [](Bytes& b) { b[7] ^= 1; };
  const auto longer = [](Bytes& b) { b.push_back(0); };
  // Chunk 1 (second in the table) is committed; its kind is after chunk 0's values and its own number.
  const std::size_t kind = table + 5 + 4 + 4 * m->certificate.table[0].values.size() + 4;
  const auto other_kind = [=](Bytes& b) {  // "values", none of them, under a second name
    b[kind] = 2;
    put(b, kind + 1, 0, 4);
    b.erase(b.begin() + static_cast<std::ptrdiff_t>(kind + 5), b.begin() + static_cast<std::ptrdiff_t>(kind + 33));
  };
  const std::string any = "certificate bytes: canonical", any_key = "key bytes: canonical";
  return {
      {"certificate bytes: magic", "certificate: not a dsperse", as_certificate(magic), Without::accepts, 0, any, once},
      {"certificate bytes: root or values", "certificate: boundary table", as_certificate(other_kind), Without::accepts, 0, any,
       once},
      {"certificate bytes: all read", "certificate: truncated", as_certificate(longer), Without::accepts, 0, any, once},
      {"certificate bytes: canonical", "certificate: boundary table", as_certificate(other_kind), Without::accepts, 0,
       "certificate bytes: root or values", once},
      {"certificate bytes: slice index", "certificate: slice index",
       as_certificate([=](Bytes& b) { put(b, slices, 0x7fffffff, 4); }), Without::crashes},
      {"key bytes: magic", "key: not a dsperse", as_key(magic), Without::accepts, 0, any_key, once},
      {"key bytes: all read", "key: truncated", as_key(longer), Without::accepts, 0, any_key, once},
      {"key bytes: canonical", "key: bytes are not canonical", as_key([=](Bytes& b) { b[truth] = 2; })},
      {"bytes: read within the input", "short",
       [] {
         const Bytes three(3);
         ByteReader r(three);
         (void)r.u32();
         return std::string(r.ok() ? "" : "short");
       },
       Without::crashes},
      {"bytes: count within its limit", "certificate: ",
       [=] {
         proof::Certificate c = m->certificate;
         c.nonce.resize(65);
         const auto again = proof::decode_certificate(m->key, proof::encode_certificate(c));
         return again ? std::string() : again.error().what;
       }},
      {"bytes: count within the input", "key: truncated", as_key([=](Bytes& b) {
         b.resize(b.size() - labels + 4);
         put(b, b.size() - 4, 1U << 16, 4);
       }),
       Without::allocates, key.size() + (std::size_t{1} << 20)},
  };
}

}  // namespace dsperse::soundness
