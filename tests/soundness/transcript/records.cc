#include "transcript/records.h"

#include <algorithm>

namespace dsperse::soundness {
namespace {

using crypto::Ext;
using crypto::Transcript;

Bytes words(std::initializer_list<std::uint64_t> xs) {
  ByteWriter w;
  for (const std::uint64_t x : xs) w.u64(x);
  return w.take();
}

template <int D>
Bytes limbs(std::span<const Ext<D>> xs) {
  ByteWriter w;
  for (const Ext<D>& x : xs)
    for (const crypto::Fp limb : x.c) w.u64(limb.v);
  return w.take();
}

/// The fields of these sizes, one after the other; what is left is the last one's.
std::vector<Part> fields(const std::string& of, const std::vector<std::pair<std::string, std::size_t>>& sizes,
                         std::size_t total) {
  std::vector<Part> out;
  std::size_t at = 0;
  for (const auto& [name, size] : sizes) {
    const std::size_t end = size == 0 ? total : std::min(total, at + size);
    if (end > at) out.push_back({of + " " + name, at, end});
    at = end;
  }
  return out;
}

}  // namespace

Bytes apply(Transcript& t, const Record& r) {
  if (r.kind == "nonce") {
    (void)t.check_work(r.label, r.work, ByteReader(r.data).u64());
    return {};
  }
  if (!r.draw) {
    t.absorb(r.label, r.kind, r.data);
    return {};
  }
  if (r.kind == "columns") {
    ByteReader shape(r.data);
    const std::uint64_t n = shape.u64(), count = shape.u64();
    ByteWriter w;
    for (const std::uint32_t j : t.columns(r.label, n, count)) w.u64(j);
    return w.take();
  }
  if (r.kind == "E2") {
    const Ext<2> x = t.challenge<2>(r.label);
    return limbs<2>({&x, 1});
  }
  const Ext<3> x = t.challenge<3>(r.label);
  return limbs<3>({&x, 1});
}

std::vector<Bytes> replay(const Records& records) {
  Transcript t(proof::kProtocolVersion);
  std::vector<Bytes> out;
  for (const Record& r : records) {
    Bytes drawn = apply(t, r);
    if (r.draw) out.push_back(std::move(drawn));
  }
  return out;
}

Records opening_records(const proof::Layout& layout, const proof::Head& head, const std::vector<std::vector<Digest>>& roots,
                        const Digest& end_root) {
  Records out;
  for (const auto& [label, data] : head) out.push_back({false, label, "head", data});
  const auto root = [&](const std::string& label, std::size_t rows, const proof::Geometry& g, const Digest& digest) {
    ByteWriter w;
    w.u64(rows);
    w.u32(g.code.c);
    w.u64(g.code.r);
    w.u32(g.code.log_n);
    w.u32(g.t);
    w.raw(digest);
    out.push_back({false, label, "root", w.take()});
  };
  for (std::size_t g = 0; g < layout.groups.size(); ++g)
    for (std::size_t i = 0; i < layout.groups[g].trees.size(); ++i)
      root(layout.groups[g].trees[i].label, layout.groups[g].trees[i].rows, layout.groups[g].geometry, roots[g][i]);
  root("end", 2 * static_cast<std::size_t>(layout.degree()), layout.end, end_root);
  return out;
}

Records records_of(const proof::Layout& layout, const proof::Head& head, const std::vector<std::vector<Digest>>& given_roots,
                   ByteView proof, const std::vector<std::string>& log) {
  const std::size_t groups = layout.groups.size(), element = 8 * static_cast<std::size_t>(layout.degree());
  ByteReader fresh(proof.subspan(8));
  std::vector<std::vector<Digest>> roots = given_roots;
  roots.resize(groups);
  for (std::vector<Digest>& of_group : roots) of_group.push_back(fresh.digest());
  Records out = opening_records(layout, head, roots, fresh.digest());
  // Where the next value of each section of the proof begins (docs/formats/proof.md).
  std::size_t nonce = 8 + 32 * (groups + 1), hidden = nonce + 16, clear = hidden + element * layout.pads,
              last = clear + element * 2 * layout.slots.size(), v = last + element * 2 * layout.vars, u = v + element * groups,
              h = u;
  for (const proof::Layout::Group& g : layout.groups) h += element * g.geometry.code.k();
  std::size_t u_end = h + element, column_group = 0, u_group = 0;
  const std::string kind = "E" + std::to_string(layout.degree());
  for (const std::string& line : log) {
    if (line.starts_with("draw ")) {
      const std::string label = line.substr(5);
      if (label.ends_with(" work")) continue;  // comes with its nonce
      const bool end = label == "end columns";
      if (!end && label != "columns") {
        out.push_back({true, label, kind, {}});
        continue;
      }
      const proof::Geometry& g = end ? layout.end : layout.groups.at(column_group++).geometry;
      out.push_back({true, label, "columns", words({g.code.n(), g.t})});
      continue;
    }
    const std::string label = line.substr(7, line.rfind(' ', line.rfind(' ') - 1) - 7);
    std::size_t* at = label == "e" || label == "d" ? &clear : label == "last" ? &last : label == "v" ? &v : &hidden;
    std::size_t size = element;
    if (label == "u") at = &u, size = element * layout.groups.at(u_group++).geometry.code.k();
    if (label == "h") at = &h;
    const bool work = label.ends_with(" work");
    if (work) at = &nonce, size = 8;
    if (label == "u_end") at = &u_end, size = element * layout.end.code.k();
    const ByteView data = proof.subspan(*at, size);
    out.push_back({false, label, work ? "nonce" : kind, {data.begin(), data.end()}, work ? layout.work : std::uint8_t{0}, *at});
    *at += size;
  }
  return out;
}

std::vector<Part> parts_of(const Record& r) {
  if (r.kind == "root")
    return fields("root " + r.label, {{"rows", 8}, {"c", 4}, {"r", 8}, {"log n", 4}, {"t", 4}, {"digest", 0}}, r.data.size());
  if (r.label == "statement") {
    std::vector<std::pair<std::string, std::size_t>> sizes{{"key", 32}, {"has weights", 1}};
    if (r.data.at(32) == 1) sizes.emplace_back("weights", 32);
    for (const auto& field : std::vector<std::pair<std::string, std::size_t>>{
             {"opening", 4}, {"run id", 32}, {"slice", 4}, {"boundary count", 4}, {"boundaries", 0}})
      sizes.push_back(field);
    return fields("statement", sizes, r.data.size());
  }
  if (r.label == "link")
    return fields("link", {{"base", 32}, {"epoch", 32}, {"base opening", 4}, {"epoch opening", 4}}, r.data.size());
  if (r.data.empty()) return {{r.label, 0, 0}};
  return {{r.label, 0, r.data.size()}};
}

}  // namespace dsperse::soundness
