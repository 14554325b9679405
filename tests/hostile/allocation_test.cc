// Decoders and the verifier allocate at most what docs/formats/limits.md declares, whatever the bytes: every place of small real
// artefacts overwritten with huge and with just plausible numbers, and inputs made of the smallest parts that cost the most.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "counting.h"
#include "dsperse/model/onnx/load.h"
#include "dsperse/ops/registry.h"
#include "dsperse/pipeline/output.h"
#include "dsperse/pipeline/published.h"
#include "dsperse/proof/package.h"
#include "dsperse/quantize/testing/programs.h"
#include "dsperse/report/report.h"
#include "dsperse/store/plan_folder.h"
#include "dsperse/store/tensors/tensor_file.h"
#include "dsperse/trust/policy/policy.h"
#include "dsperse/trust/verdict/slice_evidence.h"
#include "fixture.h"

namespace dsperse::hostile {
namespace {

/// Declared in docs/formats/limits.md: peak <= per_byte * bytes + constant.
struct Bound {
  std::size_t per_byte, constant;
  [[nodiscard]] std::size_t of(std::size_t bytes) const { return per_byte * bytes + constant; }
};
constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr Bound kBinary{64, kMiB};            ///< keys, certificates, program files
constexpr Bound kVerify{64, 96 * kMiB};       ///< verification: tables of a slice come on top of its bytes
constexpr Bound kText{256, kMiB};             ///< JSON, TOML, ONNX
constexpr Bound kTensors{256, kMiB};          ///< .npy, JSON, PGM
constexpr Bound kCompressed{6000, 4 * kMiB};  ///< .npz, PNG: deflate's ratio of 1100, floats beside bytes

/// Decodes; true if the bytes are taken for something.
using Decode = std::function<bool(ByteView)>;

class Sweep {
 public:
  Sweep(std::string name, Decode decode, Bound bound) : name_(std::move(name)), decode_(std::move(decode)), bound_(bound) {}
  ~Sweep() {
    std::printf("%-22s %7zu inputs, peak at most %6.2f MiB, slowest %.3f s\n", name_.c_str(), tried_,
                static_cast<double>(peak_) / static_cast<double>(kMiB), slowest_);
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  bool one(ByteView bytes) {
    bool taken = false;
    const auto start = std::chrono::steady_clock::now();
    const Usage used = measure([&] { taken = decode_(bytes); });
    slowest_ = std::max(slowest_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    peak_ = std::max(peak_, used.peak);
    ++tried_;
    EXPECT_FALSE(used.refused) << name_;
    EXPECT_LE(used.peak, bound_.of(bytes.size())) << name_ << ", " << bytes.size() << " bytes";
    return taken;
  }

  /// Numbers of 4 and 8 bytes at every place (of long inputs: at the first 600 and at `places` more). strict: what is changed
  /// must not be taken any more.
  void all(const Bytes& real, bool strict = false, std::size_t places = 300) {
    one(real);
    const std::size_t stride = real.size() < 2000 ? 1 : std::max<std::size_t>(1, real.size() / places);
    for (std::size_t at = 0; at < real.size(); at += at < 600 ? 1 : stride) {
      const std::uint64_t left = real.size() - at;
      for (const std::uint64_t x : {~std::uint64_t{0}, std::uint64_t{0x7FFFFFFF}, std::uint64_t{1} << 28, std::uint64_t{1} << 16,
                                    left / 4, left / 9, left / 13, left / 28})
        put(real, at, 4, x, strict);
      for (const std::uint64_t x :
           {~std::uint64_t{0}, ~std::uint64_t{0} >> 1, std::uint64_t{1} << 40, std::uint64_t{1} << 28, std::uint64_t{1} << 20})
        put(real, at, 8, x, strict);
    }
  }

 private:
  void put(const Bytes& real, std::size_t at, std::size_t size, std::uint64_t x, bool strict) {
    Bytes b = real;
    for (std::size_t i = 0; i < size && at + i < b.size(); ++i) b[at + i] = static_cast<std::uint8_t>(x >> (8 * i));
    if (b == real) return;
    const bool taken = one(b);
    EXPECT_FALSE(strict && taken) << name_ << ": accepted with " << x << " at " << at;
  }

  std::string name_;
  Decode decode_;
  Bound bound_;
  std::size_t tried_ = 0, peak_ = 0;
  double slowest_ = 0;
};

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// The kept corpus of a fuzz target by file name.
std::map<std::string, Bytes> corpus(const std::string& folder) {
  std::map<std::string, Bytes> out;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(DSPERSE_SOURCE_DIR) + "/" + folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    out[entry.path().filename()] = Bytes{std::istreambuf_iterator<char>(in), {}};
  }
  EXPECT_FALSE(out.empty()) << folder;
  return out;
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

TEST(Allocation, Keys) {
  const fuzz::Fixture& f = fuzz::fixture();
  Sweep decode("key", [](ByteView b) { return proof::decode_model_key(b).has_value(); }, kBinary);
  Sweep verify(
      "key, then verify",
      [&](ByteView b) {
        const auto key = proof::decode_model_key(b);
        if (!key) return false;
        proof::Certificate c = f.certificate;
        c.model_id = key->id();
        bool any = proof::verify_certificate(*key, c, f.user).verdict.accepted;
        for (const proof::SliceKey& s : key->slices) any = (s.weight_root && proof::verify_ranges(s).accepted) || any;
        const bool same = key->id() == f.key.id();  // a range proof is not in the id: it is judged by itself
        for (const proof::SliceProof& p : c.slices)
          if (p.slice < key->slices.size())
            any = (proof::verify_slice(key->slices[p.slice], f.statement(*key, p), p.proof).accepted && !same) || any;
        return any;
      },
      kVerify);
  for (const auto& [name, bytes] : corpus("tests/hostile/corpus/key")) {
    decode.all(bytes);
    verify.all(bytes, true);
  }
}

TEST(Allocation, SlicePackages) {
  Sweep decode("slice package", [](ByteView b) { return proof::decode_slice_package(b).has_value(); }, kBinary);
  for (const auto& [name, bytes] : corpus("tests/hostile/corpus/package")) decode.all(bytes);
}

/// A key of one slice without weights, whose ports are committed.
proof::ModelKey key_of(const quantize::Program& program) {
  const proof::SliceKey& real = fuzz::fixture().key.slices[1];
  proof::SliceKey s = real;
  s.program = program;
  s.end = proof::solve_end_geometry(s.params(), 60);
  s.inputs.clear();
  s.outputs.clear();
  proof::ModelKey key;
  for (const bool out : {false, true})
    for (const quantize::TensorId id : out ? program.outputs : program.inputs) {
      const quantize::TensorSpec& t = program.tensors[id];
      const auto c = static_cast<std::uint32_t>(key.chunks.size());
      (out ? s.outputs : s.inputs).push_back({id, c, false});
      const std::string name = "edge " + std::to_string(c);
      key.chunks.push_back({name, t.shape, t.exponent, t.lo, t.hi, false});
      std::vector<std::uint32_t> perm;
      for (std::uint32_t k = 0; k < t.shape.size(); ++k) perm.push_back(k);
      key.edges.push_back({name, {c}, !out, out, quantize::IoMapping{name, t.shape, perm, {}, {}}});
    }
  key.slices = {std::move(s)};
  return key;
}

TEST(Allocation, KeysAtTheLimits) {  // small files that ask for as much as a slice may
  using quantize::testing::Builder;
  Sweep sweep(
      "keys at the limits",
      [&](ByteView b) {
        const auto key = proof::decode_model_key(b);
        if (!key) return false;
        proof::Statement s{key->slices[0].digest(), {}, 0, {}, 0, {}};
        for (const proof::Port& p : key->slices[0].ports()) s.boundaries.push_back({p.chunk, Digest{}, {}});
        const Verdict v = proof::verify_slice(key->slices[0], s, Bytes(1000));
        EXPECT_EQ(v.reason, "proof length") << "the relation itself is within the limits";
        return v.accepted;
      },
      kVerify);
  std::vector<quantize::Program> programs;
  Builder maximum;
  maximum.maximum(maximum.input({1, 430, 1, 1}, -1, 1), {{420, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}});
  programs.push_back(maximum.done());
  Builder tables;
  auto x = tables.input({1, 2});
  for (int i = 0; i < 40; ++i) {
    quantize::Requant r = quantize::testing::simple_requant(1, quantize::Function::clip, 12);
    r.clamp_bits = i < 4 ? 15 : 12;
    r.activation.a = -1000 - i, r.activation.b = 1000 + i;
    x = tables.sum({{false, x, 1}}, {1, 2}, r);
  }
  programs.push_back(tables.done());
  Builder long_one;
  auto y = long_one.input({1, 2}, -7, 7);
  for (int i = 0; i < 20000; ++i)
    y = long_one.sum({{false, y, 1}}, {1, 2}, quantize::testing::simple_requant(1, quantize::Function::identity, 4));
  programs.push_back(long_one.done());
  Builder wide;
  wide.sum({{false, wide.input({1, 1 << 21}), 1}}, {1, 1 << 21}, quantize::testing::simple_requant(1));
  programs.push_back(wide.done());
  for (const quantize::Program& p : programs) {
    const Bytes key = proof::encode_model_key(key_of(p));
    EXPECT_TRUE(proof::decode_model_key(key).has_value());
    EXPECT_FALSE(sweep.one(key));
  }
}

TEST(Allocation, CertificatesAndProofs) {
  const fuzz::Fixture& f = fuzz::fixture();
  Sweep certificate("certificate",
                    [&](ByteView b) {
                      const auto c = proof::decode_certificate(f.key, b);
                      return c && proof::verify_certificate(f.key, *c, f.user).verdict.accepted;
                    },
                    {kBinary.per_byte, kVerify.constant});
  for (const auto& [name, bytes] : corpus("tests/hostile/corpus/certificate")) certificate.all(bytes, true);
  certificate.all(f.certificate_bytes, true, 40);
  for (const proof::SliceProof& p : f.certificate.slices) {
    Sweep slice(
        "slice proof",
        [&, s = f.statement(f.key, p)](ByteView b) { return proof::verify_slice(f.key.slices[p.slice], s, b).accepted; },
        kVerify);
    slice.all(p.proof, true, 40);
    for (const std::size_t n : {0U, 1U, 8U, 100U, 1000U}) slice.one(ByteView(p.proof).first(n));
  }
}

TEST(Allocation, EvidenceOfADispute) {
  const fuzz::Fixture& f = fuzz::fixture();
  const auto lives = trust::lives_of(f.key);
  const auto digests = trust::boundary_digests(f.certificate.table), trace = trust::trace_of(f.key, lives, digests);
  for (proof::SliceProof p : f.certificate.slices) {
    trust::SliceEvidence e{trust::live_before(f.key, lives, p.slice, digests), {}, p};
    for (const proof::Port& port : f.key.slices[p.slice].ports()) e.boundaries.push_back(f.certificate.table[port.chunk]);
    const trust::dispute::Subject subject{proof::run_id(f.certificate.model_id, f.certificate.nonce, f.certificate.salt),
                                          f.certificate.model_id, f.key.slices[p.slice].digest(), p.slice, trace[p.slice]};
    Sweep check(
        "evidence, then check",
        [&](ByteView b) {
          return trust::check_slice_evidence(f.key, subject, trace[p.slice + 1], b, f.user.known_ranges).accepted;
        },
        kVerify);
    check.all(trust::encode_slice_evidence(e), true, 40);
    e.proof.proof.resize(16);
    for (proof::EpochLink& l : e.proof.links) l.proof.resize(16);
    Sweep decode("evidence", [&](ByteView b) { return trust::decode_slice_evidence(f.key, p.slice, b).has_value(); }, kBinary);
    decode.all(trust::encode_slice_evidence(e));
  }
}

TEST(Allocation, Published) {
  Sweep sweep("published.json", [](ByteView b) { return pipeline::decode_published(b).has_value(); }, {8, 4096});
  for (const auto& [name, bytes] : corpus("src/dsperse/pipeline/testdata/published")) sweep.all(bytes);
  pipeline::Published many{{}, {}, Bytes(64), 65536, 65536, std::vector<Digest>(10000)};
  EXPECT_TRUE(sweep.one(pipeline::encode_published(many)));
}

TEST(Allocation, ProgramFiles) {
  std::ifstream in(DSPERSE_FUZZ_MODEL "/program.bin", std::ios::binary);
  const Bytes real{std::istreambuf_iterator<char>(in), {}};
  Sweep sweep(
      "program.bin",
      [](ByteView b) {
        store::PlanFile plan;
        return store::decode_program_file(b, plan).has_value();
      },
      kBinary);
  sweep.all(real);
}

TEST(Allocation, TensorFiles) {
  const Decode parse = [](ByteView b) { return store::parse_tensors(b, "t").has_value(); };
  Sweep plain("tensors", parse, kTensors), packed("tensors, compressed", parse, kCompressed);
  for (const auto& [name, bytes] : corpus("src/dsperse/store/testdata/tensors"))
    (name.ends_with(".npz") || name.ends_with(".png") ? packed : plain).all(bytes);
  for (const char* part : {"0,", "[],", "[0],", "{},", "\"\",", "-1e9,"}) plain.one(bytes_of("[" + repeated(part, 20000) + "0]"));
  plain.one(bytes_of("{" + repeated("\"a\":0,", 20000) + "\"b\":0}"));
  plain.one(bytes_of(repeated("[", 100000)));
}

TEST(Allocation, Documents) {
  const fuzz::Fixture& f = fuzz::fixture();
  Sweep output("output.json", [&](ByteView b) { return pipeline::read_output_document(f.key, b).has_value(); }, kText);
  Sweep run(
      "run document",
      [](ByteView b) { return report::parse_document({reinterpret_cast<const char*>(b.data()), b.size()}).has_value(); }, kText);
  for (const auto& [name, bytes] : corpus("tests/hostile/corpus/document")) {
    output.all(bytes);
    run.all(bytes);
  }
  for (const char* part : {"0,", "[],", "{},", "\"\","}) {
    const std::string list = "[" + repeated(part, 20000) + "0]";
    output.one(bytes_of("{\"format\":\"dsperse-output\",\"version\":1,\"outputs\":{\"y\":{\"integers\":" + list + "}}}"));
    run.one(bytes_of("{\"notes\":" + list + ",\"slices\":" + list + ",\"plan\":{\"edges\":" + list + "}}"));
  }
  output.one(bytes_of("{\"outputs\":" + repeated("{\"y\":", 100000)));
}

TEST(Allocation, Policies) {
  Sweep sweep(
      "policy", [](ByteView b) { return trust::parse_policy({reinterpret_cast<const char*>(b.data()), b.size()}).has_value(); },
      kText);
  for (const auto& [name, bytes] : corpus("tests/hostile/corpus/policy")) sweep.all(bytes);
  sweep.one(bytes_of("[[rule]]\nmode = \"proof\"\nslices = \"" + repeated("0-65535,", 20000) + "0\"\n"));
  sweep.one(bytes_of(repeated("[[rule]]\nmode = \"proof\"\nslices = \"0-65535\"\n", 5000)));
  sweep.one(bytes_of(repeated("[[a]]\n", 20000)));
  sweep.one(bytes_of("a = " + repeated("[", 20000)));
  sweep.one(bytes_of("a = [" + repeated("[],", 20000) + "]"));
  sweep.one(bytes_of("a = [" + repeated("{},", 20000) + "]"));
  sweep.one(bytes_of("[" + repeated("a.", 20000) + "a]\n"));
}

TEST(Allocation, OnnxFiles) {
  const Decode parse = [](ByteView b) { return model::parse_onnx(b, {}, {}, ops::float_operators()).has_value(); };
  Sweep sweep("onnx", parse, kText);
  for (const auto& [name, bytes] : corpus("src/dsperse/model/onnx/corpus")) sweep.all(bytes);
  // A graph of n empty messages of two bytes: nodes, initializers, inputs; and a node of empty attributes.
  const auto message = [](std::uint8_t tag, const Bytes& body) {
    Bytes out{tag};
    for (std::size_t n = body.size();; n >>= 7) {
      out.push_back(static_cast<std::uint8_t>(n < 128 ? n : (n & 127) | 128));
      if (n < 128) break;
    }
    out.insert(out.end(), body.begin(), body.end());
    return out;
  };
  for (const int tag : {0x0A, 0x2A, 0x5A, 0x62, 0x6A}) {
    const auto field = static_cast<std::uint8_t>(tag);
    Bytes graph;
    for (int i = 0; i < 20000; ++i) graph.insert(graph.end(), {field, 0});
    sweep.one(message(0x3A, graph));
    sweep.one(message(0x3A, message(0x0A, graph)));
    sweep.one(message(0x3A, message(0x2A, graph)));
  }
}

}  // namespace
}  // namespace dsperse::hostile
