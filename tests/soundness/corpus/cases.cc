#include "cases.h"

namespace dsperse::soundness {

using proof::Profile;
using proof::testing::ModelSpec;

SliceCase slice_case(const std::string& name, std::optional<Profile> profile, std::uint8_t work) {
  for (const NamedSlice& s : all_slices()) {
    if (s.name != name) continue;
    CaseOptions options = s.options;
    if (profile) options.profile = *profile;
    options.work = work;
    auto c = make_case(s.program, options);
    if (!c) std::abort();
    bind(*c);
    return std::move(*c);
  }
  std::abort();
}

ModelSpec operators_model(Profile profile) {
  ModelSpec spec;
  spec.profile = profile;
  spec.work = proof::kWorkBits;
  for (const NamedSlice& s : all_slices()) {
    proof::testing::ModelSlice slice{s.program, {}, {}, s.options.constraints};
    for (const bool out : {false, true})
      for (const quantize::TensorId t : out ? s.program.outputs : s.program.inputs) {
        const std::string name = s.name + " " + s.program.tensors[t].name;
        (out ? slice.outputs : slice.inputs).push_back(name);
        spec.edges.push_back({name, {static_cast<std::uint32_t>(spec.chunks.size())}, !out, out, {}});
        spec.chunks.push_back(name);
        if (s.options.publics.contains(t)) spec.publics.insert(name);
      }
    spec.slices.push_back(std::move(slice));
  }
  return spec;
}

ModelSpec public_model() {
  ModelSpec spec = proof::testing::skip_model();
  quantize::testing::Builder b;
  const auto raw = b.input({3, 2}, -31, 31, 4);
  b.rearrange({0, {2, 3}, 0, {{raw, {3, 2}, {{0, {{1, 1}}}, {0, {{0, 1}}}}}}}, {2, 3}, -31, 31);
  spec.slices.insert(spec.slices.begin(), {b.done(), {"raw"}, {"x"}});
  spec.edges[0].is_input = false;
  spec.edges.push_back({"raw", {4}, true, false, {}});
  spec.chunks.push_back("raw");
  spec.publics = {spec.chunks.begin(), spec.chunks.end()};
  spec.work = proof::kWorkBits;
  return spec;
}

ModelSpec light_model() {
  ModelSpec spec = proof::testing::skip_model();
  for (std::size_t i = 0; i < 3; ++i) {
    quantize::testing::Builder b;
    std::vector<quantize::Sum::Term> terms;
    for (std::size_t k = 0; k < spec.slices[i].inputs.size(); ++k) terms.push_back({false, b.input({2, 3}, -31, 31, 4), 1});
    b.sum(terms, {2, 3}, quantize::testing::simple_requant(1, quantize::Function::identity, 6, 4));
    spec.slices[i].program = b.done();
  }
  return spec;
}

void add_attack(Corpus& out, const std::string& name, const std::string& reason, const std::string& where, const SliceCase& c,
                const Bytes& proof) {
  if (proof.empty()) out.fault(name + ": no proof");
  out.rejects(name, reason, where, proof::encode_model_key(key_of(c)), proof::encode_certificate(certificate_of(c, proof)),
              user_of(c));
}

}  // namespace dsperse::soundness
