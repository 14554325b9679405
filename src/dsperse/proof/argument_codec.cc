#include "dsperse/base/rule.h"
#include "dsperse/proof/argument.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::Fp;

constexpr std::string_view kMagic = "DSPRF002";

template <int D>
void write(ByteWriter& w, const Ext<D>& e) {
  for (const Fp limb : e.c) w.u64(limb.v);
}

/// Elements with the rule that limbs are below p.
class ElementReader {
 public:
  explicit ElementReader(ByteView bytes) : in_(bytes) {}
  Fp fp() {
    const std::uint64_t x = in_.u64();
    canonical_ = canonical_ && x < crypto::kP;
    return Fp(x < crypto::kP ? x : 0);
  }
  template <int D>
  std::vector<Ext<D>> exts(std::size_t n) {
    std::vector<Ext<D>> out(n);
    for (Ext<D>& e : out)
      for (Fp& limb : e.c) limb = fp();
    return out;
  }
  ByteReader& bytes() { return in_; }
  [[nodiscard]] bool canonical() const { return canonical_; }

 private:
  ByteReader in_;
  bool canonical_ = true;
};

/// rows: 64 bits also where a size has 32, since the products below are compared before they are sizes.
struct TreeShape {
  std::uint64_t rows;
  unsigned log_n;
  std::uint32_t t;
};

std::vector<TreeShape> opened_trees(const Layout& layout) {
  std::vector<TreeShape> out;
  for (const Layout::Group& g : layout.groups)
    for (const Layout::Tree& tree : g.trees) out.push_back({tree.rows, g.geometry.code.log_n, g.geometry.t});
  out.push_back({2 * static_cast<std::size_t>(layout.degree()), layout.end.code.log_n, layout.end.t});
  return out;
}

}  // namespace

template <int D>
Bytes encode_argument(const Layout& layout, const ArgumentProof<D>& proof) {
  std::size_t most = std::size_t{1} << 12;  // about: all but openings is small
  for (const auto* part : {&proof.hidden, &proof.clear, &proof.last, &proof.u_end}) most += part->size() * sizeof(Ext<D>);
  for (const auto& u : proof.u) most += u.size() * sizeof(Ext<D>);
  for (const crypto::Opening& o : proof.openings)
    most += o.columns.size() * sizeof(Fp) + (o.salts.size() + o.path.size() + 1) * sizeof(Digest);
  ByteWriter w;
  w.reserve(most);
  (void)layout;
  for (const char c : kMagic) w.u8(static_cast<std::uint8_t>(c));
  for (const Digest& r : proof.fresh_roots) w.raw(r);
  w.raw(proof.end_root);
  w.u64(proof.first_work);
  w.u64(proof.column_work);
  for (const auto* part : {&proof.hidden, &proof.clear, &proof.last, &proof.v})
    for (const Ext<D>& e : *part) write(w, e);
  for (const auto& u : proof.u)
    for (const Ext<D>& e : u) write(w, e);
  write(w, proof.h);
  for (const Ext<D>& e : proof.u_end) write(w, e);
  for (const crypto::Opening& o : proof.openings) {
    for (const Fp x : o.columns) w.u64(x.v);
    for (const Digest& s : o.salts) w.raw(s);
    w.u32(static_cast<std::uint32_t>(o.path.size()));
    for (const Digest& p : o.path) w.raw(p);
  }
  return w.take();
}

template <int D>
Verdict decode_argument(const Layout& layout, ByteView bytes, ArgumentProof<D>& out) {
  const std::vector<TreeShape> trees = opened_trees(layout);
  const std::size_t element = 8 * static_cast<std::size_t>(D), slots = layout.slots.size();
  std::uint64_t elements =
      layout.pads + 2 * static_cast<std::uint64_t>(slots) + 2 * layout.vars + layout.groups.size() + 1 + layout.end.code.k();
  for (const Layout::Group& g : layout.groups) elements += g.geometry.code.k();
  std::uint64_t fixed = kMagic.size() + 32 * (layout.groups.size() + 1) + 16 + element * elements, paths = 0;
  for (const TreeShape& t : trees) {
    fixed += t.t * (8 * t.rows + 32) + 4;
    paths += static_cast<std::uint64_t>(t.t) * t.log_n;
  }
  if (violated("proof: shortest length", bytes.size() < fixed) ||
      violated("proof: longest length", bytes.size() > fixed + 32 * paths))
    return Verdict::reject("proof length");

  ElementReader in(bytes);
  const ByteView magic = in.bytes().take(kMagic.size());
  if (violated("proof: magic", std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic))
    return Verdict::reject("proof magic");
  out.fresh_roots.resize(layout.groups.size());
  for (Digest& r : out.fresh_roots) r = in.bytes().digest();
  out.end_root = in.bytes().digest();
  out.first_work = in.bytes().u64();
  out.column_work = in.bytes().u64();
  out.hidden = in.exts<D>(layout.pads);
  out.clear = in.exts<D>(2 * slots);
  out.last = in.exts<D>(2 * layout.vars);
  out.v = in.exts<D>(layout.groups.size());
  out.u.clear();
  for (const Layout::Group& g : layout.groups) out.u.push_back(in.exts<D>(g.geometry.code.k()));
  out.h = in.exts<D>(1)[0];
  out.u_end = in.exts<D>(layout.end.code.k());
  out.openings.clear();
  for (const TreeShape& t : trees) {
    crypto::Opening o;
    o.rows = static_cast<std::size_t>(t.rows);
    o.columns.resize(static_cast<std::size_t>(t.t * t.rows));
    for (Fp& x : o.columns) x = in.fp();
    o.salts.resize(t.t);
    for (Digest& s : o.salts) s = in.bytes().digest();
    const std::size_t length = in.bytes().u32();
    if (violated("proof: path within the bytes", length > in.bytes().left() / 32)) return Verdict::reject("proof truncated");
    o.path.resize(length);
    for (Digest& p : o.path) p = in.bytes().digest();
    out.openings.push_back(std::move(o));
  }
  if (violated("proof: not truncated", !in.bytes().ok())) return Verdict::reject("proof truncated");
  if (violated("proof: no trailing bytes", in.bytes().left() != 0)) return Verdict::reject("trailing bytes");
  if (violated("proof: canonical elements", !in.canonical())) return Verdict::reject("element not canonical");
  return Verdict::accept();
}

template Bytes encode_argument(const Layout&, const ArgumentProof<2>&);
template Bytes encode_argument(const Layout&, const ArgumentProof<3>&);
template Verdict decode_argument(const Layout&, ByteView, ArgumentProof<2>&);
template Verdict decode_argument(const Layout&, ByteView, ArgumentProof<3>&);

}  // namespace dsperse::proof
