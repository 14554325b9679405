#include "classes.h"

#include <algorithm>
#include <cmath>

namespace dsperse::soundness {
namespace {

using crypto::Ext;
using crypto::Fp;

constexpr std::size_t kBins = 16;
constexpr std::string_view kStatementRoots = "statement roots";

template <int D>
void put(Classes& out, const std::string& name, std::span<const Ext<D>> xs) {
  for (const Ext<D>& x : xs)
    for (const Fp limb : x.c) out[name].words.push_back(limb.v);
}

void put(Classes& out, const std::string& name, const Digest& digest) {
  Revealed& r = out[name];
  r.kind = Kind::digest;
  ByteReader in(digest);
  for (int i = 0; i < 4; ++i) r.words.push_back(in.u64());
}

void put_opening(Classes& out, const std::string& tree, std::size_t data_rows, const std::string& random_rows,
                 const crypto::Opening& opening) {
  const auto& [rows, columns, salts, path] = opening;
  for (std::size_t i = 0; i < columns.size(); ++i)
    out["columns " + (i % rows < data_rows ? tree : random_rows)].words.push_back(columns[i].v);
  for (const Digest& s : salts) put(out, "salts " + tree, s);
  for (const Digest& p : path) put(out, "paths", p);
  out["path lengths"].kind = Kind::fixed;
  out["path lengths"].word_bytes = 4;
  out["path lengths"].words.push_back(path.size());
}

double deviate(double chi, double df) { return (std::cbrt(chi / df) - (1 - 2 / (9 * df))) / std::sqrt(2 / (9 * df)); }

std::size_t bin(Kind kind, std::uint64_t x) {
  return kind == Kind::digest ? x >> 60 : static_cast<std::size_t>(static_cast<unsigned __int128>(x) * kBins / crypto::kP);
}

}  // namespace

template <int D>
Classes revealed(const proof::Layout& layout, const std::vector<Digest>& given, const proof::ArgumentProof<D>& proof) {
  const auto& [fresh_roots, end_root, first_work, column_work, hidden, clear, last, v, u, h, u_end, openings] =
      proof;  // all of its fields
  Classes out;
  using Exts = std::span<const Ext<D>>;
  for (const Digest& d : given) put(out, std::string(kStatementRoots), d);
  for (const Digest& d : fresh_roots) put(out, "fresh roots", d);
  put(out, "end root", end_root);
  out["proofs of work"] = {Kind::fixed, {first_work, column_work}};
  put<D>(out, "hidden messages", Exts(hidden));
  for (std::size_t i = 0; i < clear.size(); ++i) put<D>(out, i % 2 == 0 ? "sacrifice e" : "sacrifice d", Exts(&clear[i], 1));
  put<D>(out, "last sumcheck", Exts(last));
  put<D>(out, "v", Exts(v));
  for (std::size_t g = 0; g < u.size(); ++g) {
    const std::size_t kd = layout.groups[g].geometry.code.kd();
    put<D>(out, "u data " + layout.groups[g].label, Exts(u[g]).first(kd));
    put<D>(out, "u pads " + layout.groups[g].label, Exts(u[g]).subspan(kd));
  }
  put<D>(out, "h", Exts(&h, 1));
  put<D>(out, "u_end data", Exts(u_end).first(layout.end.code.kd()));
  put<D>(out, "u_end pads", Exts(u_end).subspan(layout.end.code.kd()));
  std::size_t at = 0;
  for (const proof::Layout::Group& g : layout.groups)
    for (const proof::Layout::Tree& t : g.trees)
      put_opening(out, t.fresh && &g != &layout.witness() ? "fresh " + g.label : g.label, t.fresh ? t.rows - D : t.rows,
                  "mask " + g.label, openings[at++]);
  put_opening(out, "end", D, "end masks", openings[at]);
  return out;
}

template <int D>
Classes differences(const proof::Layout& layout, const Ext<D>& rho, const Ext<D>& eps, const proof::ArgumentProof<D>& proof) {
  Classes out;
  const auto add = [&](const std::string& name, const Ext<D>& x) { put<D>(out, name, std::span<const Ext<D>>(&x, 1)); };
  for (std::size_t k = 0; k < layout.slots.size(); ++k) {
    add("e against its message", proof.clear[2 * k] - rho * proof.hidden[layout.slots[k].first]);
    add("d against its message", proof.clear[2 * k + 1] - proof.hidden[layout.slots[k].second]);
  }
  for (std::size_t i = 0; i < proof.last.size(); ++i) add("u_end against last", proof.u_end[i] - eps * proof.last[i]);
  for (std::size_t i = 0; i + 2 < proof.hidden.size(); ++i) add("message against message", proof.hidden[i] - proof.hidden[i + 2]);
  return out;
}

std::size_t proof_bytes(const Classes& classes) {
  std::size_t n = 0;
  for (const auto& [name, r] : classes)
    if (name != kStatementRoots) n += r.word_bytes * r.words.size();
  return n;
}

std::map<std::string, Deviation> deviations(const std::vector<Sample>& samples) {
  std::map<std::string, Deviation> out;
  for (const auto& [name, first] : samples[0][0]) {
    Deviation& worst = out[name];
    const auto consider = [&, n = std::string(name)](double sigmas, std::size_t position) {
      if (sigmas > worst.sigmas) worst = {sigmas, n + " " + std::to_string(position)};
    };
    for (const Sample& s : samples)
      for (const Classes& c : s)
        if (const Revealed& r = c.at(name);
            r.words.size() != first.words.size() || (r.kind == Kind::fixed && r.words != first.words)) {
          consider(1000, 0);
          break;
        }
    if (first.kind == Kind::fixed || worst.sigmas > 0) continue;
    for (std::size_t i = 0; i < first.words.size(); ++i) {
      std::vector<std::array<double, kBins>> tallies;
      for (const Sample& s : samples) {
        std::array<double, kBins>& t = tallies.emplace_back();
        for (const Classes& c : s) t[bin(first.kind, c.at(name).words[i])] += 1;
        const double mean = static_cast<double>(s.size()) / kBins;
        double chi = 0;
        for (const double x : t) chi += (x - mean) * (x - mean) / mean;
        consider(deviate(chi, kBins - 1), i);
        const double a = static_cast<double>(s.size()), b = static_cast<double>(samples[0].size());
        chi = 0;
        for (std::size_t k = 0; k < kBins; ++k)
          if (const double x = t[k], y = tallies[0][k]; x + y > 0)
            chi += (x * std::sqrt(b / a) - y * std::sqrt(a / b)) * (x * std::sqrt(b / a) - y * std::sqrt(a / b)) / (x + y);
        if (tallies.size() > 1) consider(deviate(chi, kBins - 1), i);
      }
    }
  }
  return out;
}

#define DSPERSE_INSTANTIATE(D)                                                                                    \
  template Classes revealed<D>(const proof::Layout&, const std::vector<Digest>&, const proof::ArgumentProof<D>&); \
  template Classes differences<D>(const proof::Layout&, const Ext<D>&, const Ext<D>&, const proof::ArgumentProof<D>&);
DSPERSE_INSTANTIATE(2)
DSPERSE_INSTANTIATE(3)
#undef DSPERSE_INSTANTIATE

}  // namespace dsperse::soundness
