// write_corpus FOLDER: the small model and the corpora of the fuzz targets, written anew into FOLDER (tests/hostile).
//
// A tool for developers, after a change of a format or of the protocol: proofs are random, so every run writes other files.
#include <cstdio>
#include <filesystem>

#include "dsperse/pipeline/output.h"
#include "dsperse/proof/package.h"
#include "dsperse/proof/testing/model.h"
#include "dsperse/quantize/testing/row_programs.h"
#include "dsperse/store/disk/file.h"
#include "dsperse/store/model_folder.h"
#include "dsperse/store/plan_folder.h"

namespace {

using namespace dsperse;
using proof::testing::ModelCase;
using quantize::Function;
using quantize::Program;
using quantize::testing::Builder;
using quantize::testing::simple_requant;

std::string root;

void put(const std::string& name, ByteView bytes) {
  const std::string path = root + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  if (!store::write_file(path, bytes, store::Access::shared)) std::abort();
}
void put(const std::string& name, const std::string& text) {
  put(name, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Program gemm() {
  Builder b;
  b.gemm(b.input({1, 2}, -7, 7, 2), 2, 2, simple_requant(3, Function::relu, 4, 2), true, 7);
  return b.done();
}

/// Reads what `before` puts out.
Program bend(const Program& before) {
  Builder b;
  const quantize::TensorSpec& t = before.tensors[before.outputs[0]];
  const auto x = b.input(t.shape, t.lo, t.hi, t.exponent);
  b.sum({{false, x, 3}}, {1, 2}, simple_requant(1, Function::clip, 4, 2));
  return b.done();
}

/// One slice with an op of every kind.
Program all_ops() {
  Builder b;
  auto x = b.input({1, 4, 4, 2}, -15, 15, 4);
  x = b.conv(x, 2, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}, simple_requant(5, Function::leaky_relu, 5, 4), 2, true, 15);
  x = b.maximum(x, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}});
  x = b.average(x, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}, true, {0, 0}, simple_requant(16, Function::identity, 5, 4));
  quantize::Rearrange flat{0, {8}, 0, {{x, {8}, {{0, {{0, 1}}}}}}};
  x = b.rearrange(flat, {1, 8}, b.spec(x).lo, b.spec(x).hi);
  x = b.gemm(x, 8, 2, simple_requant(6, Function::sigmoid, 5, 4), true, 15);
  b.sum({{false, x, 1}, {true, b.weight({1, 2}, 9), -2}}, {1, 2}, simple_requant(0, Function::tanh, 5, 4));
  return b.done();
}

/// Two slices in a row, and one beside them with contractions and the ops over rows; its ends are public, for the sake of size.
proof::testing::ModelSpec small_model() {
  proof::testing::ModelSpec spec{{{gemm(), {"x"}, {"a"}}, {bend(gemm()), {"a"}, {"y"}}},
                                 {{"x", {0}, true, false, {}}, {"a", {1}, false, false, {}}, {"y", {2}, false, true, {}}},
                                 {"x", "a", "y"},
                                 {"x", "y"},
                                 {0},
                                 proof::Profile::bits100};
  proof::testing::ModelSlice rows{quantize::testing::every_row_op(), {"z"}, {}, {.limb_bits = 3}};
  for (std::size_t i = 0; i < rows.program.outputs.size(); ++i) rows.outputs.push_back("rows " + std::to_string(i));
  for (const auto& names : {rows.inputs, rows.outputs})
    for (const std::string& name : names) {
      spec.edges.push_back({name, {static_cast<std::uint32_t>(spec.chunks.size())}, name == "z", name != "z", {}});
      spec.chunks.push_back(name);
      spec.publics.insert(name);
    }
  spec.slices.push_back(std::move(rows));
  return spec;
}

/// The key with its proofs cut short: everything that decoding looks at, in few bytes.
proof::ModelKey stripped(proof::ModelKey key) {
  for (proof::SliceKey& s : key.slices)
    if (!s.range_proof.empty()) s.range_proof.resize(16);
  return key;
}

proof::ModelKey key_of(const Program& program, bool public_weights) {
  const auto c = proof::testing::make_case(program, {.publics = {program.inputs[0]}, .public_weights = public_weights});
  if (!c) std::abort();
  proof::ModelKey key;
  key.slices = {c->key};
  key.chunks = c->chunks;
  for (std::uint32_t i = 0; i < key.chunks.size(); ++i) {
    std::vector<std::uint32_t> perm;
    for (std::uint32_t k = 0; k < key.chunks[i].shape.size(); ++k) perm.push_back(k);
    const bool input = i < program.inputs.size();
    const std::string name = "edge " + std::to_string(i);
    key.edges.push_back({name, {i}, input, !input, quantize::IoMapping{name, key.chunks[i].shape, perm, {}, {}}});
  }
  return stripped(std::move(key));
}

void write_plan(const ModelCase& m) {
  store::PlanFile plan;
  plan.name = "small";
  plan.calibration = "none";
  plan.model.program = all_ops();
  quantize::testing::Rng rng(7);
  plan.model.weights = quantize::testing::random_weights(plan.model.program, rng);
  plan.model.inputs = {{"x", {1, 2, 4, 4}, {0, 2, 3, 1}, {0.5F}, {}}};
  plan.model.outputs = {{"y", {1, 2}, {0, 1}, {}, {}}};
  plan.model.fidelity.outputs = {{"y", 0.5, 0.25, 0.99, 1}};
  plan.labels = {"a", "b"};
  plan.cuts = {2};
  plan.treatments = {{}, {.proof = true}};
  plan.predicted.resize(2);
  const std::string folder = root + "/plan.tmp";
  if (!store::write_plan(folder, plan)) std::abort();
  put("model/program.bin", *store::read_file(folder + "/program.bin", 1U << 20));
  put("corpus/document/plan.json", *store::read_file(folder + "/plan.json", 1U << 20));
  std::filesystem::remove_all(folder);
  std::vector<store::ProvingKey> secrets;
  for (const quantize::WeightStore& w : m.weights) secrets.push_back({w, Digest{}});
  const store::CompiledModel compiled{"small", m.key, {{.proof = true}, {}, {}}, std::vector<slice::Cost>(3)};
  if (!store::write_model(folder, compiled, secrets)) std::abort();
  put("corpus/document/manifest.json", *store::read_file(folder + "/manifest.json", 1U << 20));
  std::filesystem::remove_all(folder);
}

void write_texts(const ModelCase& m) {
  pipeline::EdgeTensors outputs;
  for (const proof::Edge& e : m.key.edges)
    if (e.is_output) outputs[e.name] = pipeline::edge_values(e, m.values);
  put("corpus/document/output.json", *pipeline::output_document(m.key, outputs, {}));
  put("corpus/document/run.json",
      std::string(
          R"({"model":"a.onnx","verdict":"accepted","coverage":{"slices":2,"slices_proved":1},"notes":["n"],)"
          R"("plan":{"slices":[{"slice":0,"mode":"proof","operators":["Gemm"],"lookups":9}],"edges":[{"from":-1,"to":0}]},)"
          R"("slices":[{"slice":0,"mode":"proof","prove_s":0.5}],"outputs":{"y":{"values":[1.5],"top1":0}}})"
          "\n"));
  put("corpus/document/deep.json", std::string(300, '[') + std::string(300, ']') + "\n");
  put("corpus/policy/rules.toml",
      std::string("default = \"trust\"\n[[rule]]\noperator = \"Gemm\"\nmode = \"proof\"\n[[rule]]\nname = 'l[!a-c]*?\\*'\nmode = "
                  "\"trust\"\n[[rule]]\nslices = \"0,0-1\"\nmode = \"proof\"\n"));
  put("corpus/policy/word.policy", std::string("proof"));
  put("corpus/policy/ranges.policy", std::string("0,2-4,1-65535"));
  put("corpus/policy/nested.toml", "a = " + std::string(300, '[') + std::string(300, ']') + "\n");
  put("corpus/policy/star.toml", std::string("[*.a]\nx = {y.z = 1}\n"));  // found: an assertion of toml++
  put("corpus/policy/arabic.toml", std::string("\xEF\xB9\xBF\n"));        // found: white space that toml++ did not expect
  put("corpus/policy/dotted.toml", "[" + std::string("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a") + "]\nx = {y.z = 1}\n");
}

/// Scripts (script.h): one for each part that the targets know how to change. proofs: slices, links and ranges of the model.
void write_scripts(std::size_t proofs) {
  quantize::testing::Rng rng(1);
  const auto tail = [&](Bytes b) {
    for (int i = 0; i < 12; ++i) b.push_back(static_cast<std::uint8_t>(rng()));
    return b;
  };
  const auto name = [](const std::string& folder, std::size_t a, std::size_t b) {
    return "corpus/" + folder + "/change_" + std::to_string(a) + "_" + std::to_string(b) + ".script";
  };
  const auto byte = [](std::size_t n) { return static_cast<std::uint8_t>(n); };
  for (std::size_t t = 0; t < proofs; ++t) {
    for (std::size_t part = 0; part < 12; ++part) put(name("proof", t, part), tail({1, byte(t), 1, byte(part)}));
    for (std::size_t what = 0; what < 8; what += 2) put(name("proof", t, 20 + what), tail({1, byte(t), 0, byte((what + t) % 8)}));
    put(name("proof", t, 30), Bytes{1, byte(t), 1});  // no change: accepted
  }
  for (std::size_t part = 0; part < 7; ++part) put(name("forgery", part, 0), tail({byte(part)}));
  for (std::size_t part = 0; part < 8; ++part) put(name("forgery", 7, part), tail({7, 0, byte(part)}));
  for (std::size_t part = 0; part < 6; ++part) put(name("forgery", 8, part), tail({7, 0, 3, 0, byte(part)}));
  for (std::size_t part = 0; part < 8; ++part) put(name("forgery", 10, part), tail({7, 2, byte(part)}));
  put(name("forgery", 9, 0), Bytes{});
  for (std::size_t slice = 0; slice < 3; ++slice) {
    for (std::size_t what = 0; what < 8; ++what)
      put("corpus/slice_evidence/change_" + std::to_string(slice) + "_" + std::to_string(what) + ".script",
          Bytes{1, byte(slice), byte(what), byte(30 * what), 0, 0, 0, 7, 1, 0, 0, 0});
    put("corpus/slice_evidence/as_it_is_" + std::to_string(slice) + ".script", Bytes{1, byte(slice)});
  }
  // A header and a live root; huge counts.
  const Bytes head{0, 0, 'D', 'S', 'E', 'V', 'I', '0', '0', '1', 1, 0, 0, 0};
  Bytes one = head;
  one.insert(one.end(), 40, 0);
  put("corpus/slice_evidence/head.script", one);
  Bytes many = head;
  std::fill(many.end() - 4, many.end(), 0xFF);
  put("corpus/slice_evidence/huge.script", many);
  put("corpus/forgery/root_and_values.script",
      Bytes{4, 0xFC, 0x8D, 0x43, 0xE2, 0x3E, 0xBB});  // found: same bytes, yet not accepted
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  root = argv[1];
  // policy/ and trust_states/ also hold what others wrote.
  for (const char* folder : {"certificate", "document", "forgery", "key", "package", "proof", "slice_evidence"})
    std::filesystem::remove_all(root + "/corpus/" + folder);
  const ModelCase m = proof::testing::make_model(small_model());
  put("model/model.dsk", proof::encode_model_key(m.key));
  put("model/model.dscert", proof::encode_certificate(m.certificate));
  put("corpus/key/small.dsk", proof::encode_model_key(stripped(m.key)));
  put("corpus/key/all_ops.dsk", proof::encode_model_key(key_of(all_ops(), false)));
  put("corpus/key/public_weights.dsk", proof::encode_model_key(key_of(all_ops(), true)));
  put("corpus/key/rows.dsk", proof::encode_model_key(key_of(quantize::testing::every_row_op(), false)));
  put("corpus/key/rows_public_weights.dsk", proof::encode_model_key(key_of(quantize::testing::every_row_op(), true)));
  proof::ModelKey mixed = stripped(m.key);
  mixed.slices[1] = proof::testing::in_float_instead_of(mixed.slices[1]);
  put("corpus/key/in_float.dsk", proof::encode_model_key(mixed));
  put("corpus/package/hidden.bin", proof::encode_slice_package(stripped(m.key), 0));
  put("corpus/package/no_weights.bin", proof::encode_slice_package(m.key, 1));
  put("corpus/package/public_weights.bin", proof::encode_slice_package(key_of(all_ops(), true), 0));
  put("corpus/package/rows.bin", proof::encode_slice_package(stripped(m.key), 2));
  proof::Certificate c = m.certificate;
  for (proof::SliceProof& s : c.slices) {
    s.proof.resize(16);
    for (proof::EpochLink& l : s.links) l.proof.resize(16);
  }
  put("corpus/certificate/stripped.dscert", proof::encode_certificate(c));
  c.slices.clear();
  put("corpus/certificate/empty.dscert", proof::encode_certificate(c));
  c.record = {1, 2, 3};
  put("corpus/certificate/record.dscert", proof::encode_certificate(c));
  Bytes head{0};
  head.insert(head.end(), m.certificate.slices[0].proof.begin(), m.certificate.slices[0].proof.begin() + 512);
  put("corpus/proof/head.script", head);
  write_plan(m);
  write_texts(m);
  write_scripts(6);
  std::printf("model.dsk %zu bytes, model.dscert %zu bytes\n", proof::encode_model_key(m.key).size(),
              proof::encode_certificate(m.certificate).size());
  return 0;
}
