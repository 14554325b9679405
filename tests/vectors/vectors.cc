#include "vectors.h"

#include "dsperse/crypto/commit/tree.h"
#include "dsperse/crypto/hash/hash.h"
#include "dsperse/crypto/transcript/transcript.h"

namespace dsperse::vectors {
namespace {

using crypto::Ext;
using crypto::Fp;
using nlohmann::json;

ByteView view(std::string_view s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }

Digest seed(std::string_view name) { return crypto::hash_tagged("dsperse test vectors", {view(name)}); }

/// i mod 251, as in BLAKE3's own vectors.
Bytes counting(std::size_t n) {
  Bytes out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(i % 251);
  return out;
}

template <int D>
json extension_vectors() {
  crypto::SeedStream stream(seed("extension"), "E", D);
  std::vector<Ext<D>> xs{Ext<D>::one(), Ext<D>::basis(D - 1), Ext<D>::from_signed(-1)};
  for (int i = 0; i < 5; ++i) xs.push_back(stream.ext<D>());
  xs.emplace_back();
  for (Fp& limb : xs.back().c) limb = Fp(crypto::kP - 1);
  json out = json::array();
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const Ext<D>&a = xs[i], &b = xs[(i + 1) % xs.size()];
    out.push_back({{"degree", D},
                   {"a", decimal(a.c)},
                   {"b", decimal(b.c)},
                   {"sum", decimal((a + b).c)},
                   {"difference", decimal((a - b).c)},
                   {"product", decimal((a * b).c)},
                   {"inverse", decimal(inverse(a).c)}});
  }
  return out;
}

std::vector<Fp> elements(std::string_view name, std::size_t n) {
  std::vector<Fp> out(n);
  crypto::SeedStream(seed(name), "elements").fill(std::span<Fp>(out));
  return out;
}

template <int D>
json word_vectors(const crypto::Code& code) {
  crypto::SeedStream stream(seed("word"), "u", D);
  std::vector<Ext<D>> word(code.k());
  for (Ext<D>& x : word) x = stream.ext<D>();
  const std::vector<std::uint32_t> columns{0, 3, 4, 17, 31};
  json out{{"degree", D}, {"word", json::array()}, {"columns", columns}, {"values", json::array()}};
  for (const Ext<D>& x : word) out["word"].push_back(decimal(x.c));
  for (const Ext<D>& x : crypto::evaluate_word<D>(code, word, columns)) out["values"].push_back(decimal(x.c));
  return out;
}

json code_json(const crypto::Code& code) { return {{"c", code.c}, {"r", code.r}, {"log_n", code.log_n}}; }

}  // namespace

json field_vectors() {
  const std::vector<std::uint64_t> xs{0,
                                      1,
                                      2,
                                      7,
                                      0xFFFFFFFF,
                                      0x100000000,
                                      crypto::kP / 2,
                                      crypto::kP - 2,
                                      crypto::kP - 1,
                                      0x123456789ABCDEF0,
                                      0xFEDCBA9876543210};
  json out{{"p", std::to_string(crypto::kP)}, {"generator", std::to_string(crypto::kGenerator)}};
  for (std::size_t i = 0; i < xs.size(); ++i)
    for (const std::size_t j : {i, (i + 3) % xs.size()}) {
      const Fp a(xs[i]), b(xs[j]);
      out["elements"].push_back({{"a", std::to_string(a.v)},
                                 {"b", std::to_string(b.v)},
                                 {"sum", std::to_string((a + b).v)},
                                 {"difference", std::to_string((a - b).v)},
                                 {"product", std::to_string((a * b).v)},
                                 {"inverse", std::to_string(inverse(a).v)}});
    }
  for (unsigned log_n = 0; log_n <= crypto::kTwoAdicity; ++log_n)
    out["roots_of_unity"].push_back({{"log_n", log_n}, {"root", std::to_string(crypto::root_of_unity(log_n).v)}});
  out["extension"] = extension_vectors<2>();
  for (const json& entry : extension_vectors<3>()) out["extension"].push_back(entry);
  return out;
}

json hash_vectors() {
  json out;
  const Digest key = seed("key");
  for (const std::size_t n : {0UL, 1UL, 63UL, 64UL, 65UL, 1023UL, 1024UL, 1025UL, 2048UL, 2049UL, 5000UL}) {
    const Bytes data = counting(n);
    out["plain"].push_back({{"bytes", n}, {"digest", to_hex(crypto::hash(data))}});
    crypto::Hasher keyed(key);
    keyed.update(data);
    Bytes stream(40);
    keyed.output(24 + n % 128, stream);
    out["keyed"].push_back({{"key", to_hex(key)},
                            {"bytes", n},
                            {"digest", to_hex(keyed.digest())},
                            {"offset", 24 + n % 128},
                            {"output", to_hex(stream)}});
  }
  const std::vector<std::vector<std::string>> lists{{}, {""}, {"a"}, {"a", ""}, {"", "a"}, {"ab", "c"}, {"a", "bc"}};
  for (const auto& list : lists) {
    json parts = json::array();
    for (const std::string& part : list) parts.push_back(to_hex(view(part)));
    const Digest digest = list.empty()       ? crypto::hash_tagged("dsperse vector", {})
                          : list.size() == 1 ? crypto::hash_tagged("dsperse vector", {view(list[0])})
                                             : crypto::hash_tagged("dsperse vector", {view(list[0]), view(list[1])});
    out["tagged"].push_back({{"context", "dsperse vector"}, {"parts", parts}, {"digest", to_hex(digest)}});
  }
  for (const std::uint64_t index : {0UL, 1UL, 1UL << 40}) {
    const Digest s = seed("stream");
    crypto::SeedStream bytes(s, "label", index), words(s, "label", index);
    Bytes stream(100);
    bytes.fill(std::span<std::uint8_t>(stream));
    std::vector<Fp> first(6);
    words.fill(std::span<Fp>(first));
    out["seed_streams"].push_back({{"seed", to_hex(s)},
                                   {"label", "label"},
                                   {"index", std::to_string(index)},
                                   {"bytes", to_hex(stream)},
                                   {"elements", decimal(first)}});
  }
  return out;
}

json code_vectors() {
  json out;
  for (const crypto::Code code : {crypto::Code{3, 5, 5}, crypto::Code{0, 1, 1}, crypto::Code{2, 0, 2}, crypto::Code{4, 20, 6}}) {
    const std::vector<Fp> row = elements("row", code.k());
    const crypto::Tree tree = crypto::Tree::commit(code, {{crypto::Symbols(row.data()), row.data() + code.kd()}}, seed("salts"));
    std::vector<std::uint32_t> all;
    std::vector<Fp> points;
    for (std::uint32_t j = 0; j < code.n(); ++j) {
      all.push_back(j);
      points.push_back(crypto::column_point(code, j));
    }
    json entry = code_json(code);
    entry["row"] = decimal(row);
    entry["points"] = decimal(points);
    entry["word"] = decimal(tree.open(all).columns);
    out["rows"].push_back(entry);
  }
  const crypto::Code code{3, 5, 5};
  for (json words : {word_vectors<2>(code), word_vectors<3>(code)}) {
    words["code"] = code_json(code);
    out["words"].push_back(words);
  }
  return out;
}

json merkle_vectors() {
  json out;
  const crypto::Code code{2, 3, 4};
  // Leaves of one block, of two, of one whole BLAKE3 chunk, of more.
  for (const std::size_t rows : {3UL, 9UL, 120UL, 121UL}) {
    const std::vector<Fp> cells = elements("cells", rows * code.k());
    std::vector<crypto::TableauRow> tableau;
    for (std::size_t at = 0; at < cells.size(); at += code.k())
      tableau.push_back({crypto::Symbols(cells.data() + at), cells.data() + at + code.kd()});
    const crypto::Tree tree = crypto::Tree::commit(code, tableau, seed("salts"));
    const std::vector<std::vector<std::uint32_t>> lists =
        rows == 3 ? std::vector<std::vector<std::uint32_t>>{{0}, {15}, {3, 4}, {0, 1, 2, 3}, {1, 6, 7, 12, 15}}
                  : std::vector<std::vector<std::uint32_t>>{{5, 10}};
    json entry{{"code", code_json(code)},
               {"rows", rows},
               {"cells", decimal(cells)},
               {"salt_seed", to_hex(seed("salts"))},
               {"root", to_hex(tree.root())}};
    for (const auto& columns : lists) {
      const crypto::Opening o = tree.open(columns);
      json opening{{"columns", columns}, {"values", decimal(o.columns)}};
      for (const Digest& s : o.salts) opening["salts"].push_back(to_hex(s));
      opening["path"] = json::array();
      for (const Digest& s : o.path) opening["path"].push_back(to_hex(s));
      entry["openings"].push_back(opening);
    }
    out["trees"].push_back(entry);
  }
  return out;
}

json transcript_vectors() {
  json out;
  for (const std::string domain : {"", "dsperse vector"}) {
    crypto::Transcript t(domain);
    json calls = json::array();
    const auto absorb = [&](const std::string& label, const std::string& kind, const Bytes& data) {
      t.absorb(label, kind, data);
      calls.push_back({{"absorb", label}, {"kind", kind}, {"data", to_hex(data)}});
    };
    const auto draw = [&](const std::string& label, const std::string& kind, const json& drawn) {
      calls.push_back({{"draw", label}, {"kind", kind}, {"drawn", drawn}});
    };
    const auto columns = [&](const std::string& label, std::uint64_t n, std::size_t count) {
      const auto drawn = t.columns(label, n, count);
      calls.push_back({{"draw", label}, {"kind", "columns"}, {"n", n}, {"count", count}, {"drawn", drawn}});
    };
    draw("first", "E2", decimal(t.challenge<2>("first").c));
    absorb("vk", "head", counting(32));
    absorb("statement", "head", {});
    absorb("long", "root", counting(3000));
    draw("alpha", "E2", decimal(t.challenge<2>("alpha").c));
    draw("alpha", "E2", decimal(t.challenge<2>("alpha").c));
    const std::vector<Ext<3>> xs{Ext<3>::basis(2), Ext<3>::from_signed(-1)};
    t.absorb_ext<3>("u", xs);
    ByteWriter w;
    for (const Ext<3>& x : xs)
      for (const Fp limb : x.c) w.u64(limb.v);
    calls.push_back({{"absorb", "u"}, {"kind", "E3"}, {"data", to_hex(w.bytes())}});
    calls.push_back({{"work", "w"}, {"bits", 6}, {"nonce", t.work("w", 6)}});
    draw("beta", "E3", decimal(t.challenge<3>("beta").c));
    columns("columns", 4096, 50);
    columns("columns", 64, 60);
    columns("all", 8, 9);
    for (int i = 0; i < 20; ++i) draw("x", "E3", decimal(t.challenge<3>("x").c));
    out["transcripts"].push_back({{"domain", domain}, {"calls", calls}});
  }
  return out;
}

Bytes to_text(const json& object) {
  std::string text = "{\n";
  for (auto it = object.begin(); it != object.end(); ++it) {
    text += json(it.key()).dump() + ": ";
    if (it->is_array()) {
      text += "[\n";
      for (std::size_t i = 0; i < it->size(); ++i) text += " " + (*it)[i].dump() + (i + 1 < it->size() ? ",\n" : "\n");
      text += "]";
    } else {
      text += it->dump();
    }
    text += std::next(it) == object.end() ? "\n" : ",\n";
  }
  text += "}\n";
  return {text.begin(), text.end()};
}

std::map<std::string, Bytes> all_files() {
  std::map<std::string, Bytes> files{{"field.json", to_text(field_vectors())},
                                     {"hash.json", to_text(hash_vectors())},
                                     {"code.json", to_text(code_vectors())},
                                     {"merkle.json", to_text(merkle_vectors())},
                                     {"transcript.json", to_text(transcript_vectors())}};
  add_proof_files(files);
  return files;
}

}  // namespace dsperse::vectors
