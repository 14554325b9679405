#include <algorithm>
#include <array>

#include "dsperse/base/rule.h"
#include "dsperse/proof/argument.h"

namespace dsperse::proof {
namespace {

using crypto::Ext;
using crypto::Fp;

constexpr std::string_view kMagic = "DSPRF002";

constexpr std::size_t kBatch = 128;  // words at a time

/// n words, the i-th of which is `word(i)`.
template <class Word>
void write(ByteWriter& w, std::size_t n, Word word) {
  std::array<std::uint64_t, kBatch> words;
  for (std::size_t at = 0; at < n; at += kBatch) {
    const std::size_t count = std::min(kBatch, n - at);
    for (std::size_t i = 0; i < count; ++i) words[i] = word(at + i).v;
    w.u64s(std::span(words).first(count));
  }
}
template <int D>
void write(ByteWriter& w, std::span<const Ext<D>> xs) {
  write(w, D * xs.size(), [&](std::size_t i) { return xs[i / D].c[i % D]; });
}

/// Elements with the rule that limbs are below p.
class ElementReader {
 public:
  explicit ElementReader(ByteView bytes) : in_(bytes) {}
  std::vector<Fp> fps(std::size_t n) {
    std::vector<Fp> out(n);
    read(n, [&](std::size_t i, Fp x) { out[i] = x; });
    return out;
  }
  template <int D>
  std::vector<Ext<D>> exts(std::size_t n) {
    std::vector<Ext<D>> out(n);
    read(n * D, [&](std::size_t i, Fp x) { out[i / D].c[i % D] = x; });
    return out;
  }
  ByteReader& bytes() { return in_; }
  [[nodiscard]] bool canonical() const { return canonical_; }

 private:
  template <class Put>
  void read(std::size_t n, Put put) {
    std::array<std::uint64_t, kBatch> words;
    for (std::size_t at = 0; at < n; at += words.size()) {
      const std::span<std::uint64_t> some = std::span(words).first(std::min(words.size(), n - at));
      in_.u64s(some);
      for (std::size_t i = 0; i < some.size(); ++i) {
        canonical_ = canonical_ && some[i] < crypto::kP;
        put(at + i, Fp(some[i] < crypto::kP ? some[i] : 0));
      }
    }
  }

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

/// Of a proof's bytes: everything but the paths, and with the longest ones.
struct Lengths {
  std::uint64_t least, most;
};
Lengths lengths_of(const Layout& layout) {
  const std::size_t element = 8 * static_cast<std::size_t>(layout.degree());
  std::uint64_t elements = layout.pads + 2 * static_cast<std::uint64_t>(layout.slots.size()) + 2 * layout.vars +
                           layout.groups.size() + 1 + layout.end.code.k();
  for (const Layout::Group& g : layout.groups) elements += g.geometry.code.k();
  std::uint64_t fixed = kMagic.size() + 32 * (layout.groups.size() + 1) + 16 + element * elements, paths = 0;
  for (const TreeShape& t : opened_trees(layout)) {
    fixed += t.t * (8 * t.rows + 32) + 4;
    paths += static_cast<std::uint64_t>(t.t) * t.log_n;
  }
  return {fixed, fixed + 32 * paths};
}

}  // namespace

template <int D>
Bytes encode_argument(const Layout& layout, const ArgumentProof<D>& proof) {
  ByteWriter w;
  std::size_t paths = 0;
  for (const crypto::Opening& o : proof.openings) paths += o.path.size();
  w.reserve(static_cast<std::size_t>(lengths_of(layout).least) + 32 * paths);
  for (const char c : kMagic) w.u8(static_cast<std::uint8_t>(c));
  for (const Digest& r : proof.fresh_roots) w.raw(r);
  w.raw(proof.end_root);
  w.u64(proof.first_work);
  w.u64(proof.column_work);
  for (const auto* part : {&proof.hidden, &proof.clear, &proof.last, &proof.v}) write<D>(w, *part);
  for (const auto& u : proof.u) write<D>(w, u);
  write<D>(w, {&proof.h, 1});
  write<D>(w, proof.u_end);
  for (const crypto::Opening& o : proof.openings) {
    write(w, o.columns.size(), [&](std::size_t i) { return o.columns[i]; });
    for (const Digest& s : o.salts) w.raw(s);
    w.u32(static_cast<std::uint32_t>(o.path.size()));
    for (const Digest& p : o.path) w.raw(p);
  }
  return w.take();
}

template <int D>
Verdict decode_argument(const Layout& layout, ByteView bytes, ArgumentProof<D>& out) {
  const std::vector<TreeShape> trees = opened_trees(layout);
  const std::size_t slots = layout.slots.size();
  const Lengths lengths = lengths_of(layout);
  if (violated("proof: shortest length", bytes.size() < lengths.least) ||
      violated("proof: longest length", bytes.size() > lengths.most))
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
    o.columns = in.fps(static_cast<std::size_t>(t.t * t.rows));
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
