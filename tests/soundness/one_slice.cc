#include "one_slice.h"

#include <numeric>

namespace dsperse::soundness {

using proof::Certificate;
using proof::Expectation;
using proof::ModelKey;
using proof::testing::SliceCase;

namespace {

const Bytes kNonce{'c', 'o', 'r', 'p', 'u', 's'};

quantize::IoMapping identity_mapping(const std::string& name, const quantize::Shape& shape) {
  std::vector<std::uint32_t> perm(shape.size());
  std::iota(perm.begin(), perm.end(), 0U);
  return {name, shape, perm, {}, {}};
}

}  // namespace

ModelKey key_of(const SliceCase& c) {
  ModelKey key;
  key.slices.push_back(c.key);
  key.chunks = c.chunks;
  for (std::uint32_t i = 0; i < c.chunks.size(); ++i) {
    const bool input = i < c.key.inputs.size();
    key.edges.push_back({c.chunks[i].name, {i}, input, !input, identity_mapping(c.chunks[i].name, c.chunks[i].shape)});
  }
  return key;
}

void bind(SliceCase& c) {
  c.statement.key = c.key.digest();
  c.statement.run_id = proof::run_id(key_of(c).id(), kNonce, proof::testing::test_seed(c.options.seed, "salt"));
}

Certificate certificate_of(const SliceCase& c, Bytes proof) {
  Certificate out{key_of(c).id(), kNonce, proof::testing::test_seed(c.options.seed, "salt"), c.statement.boundaries, {}, {}};
  out.slices.push_back({0, c.statement.weights, c.statement.opening, {}, std::move(proof)});
  return out;
}

Expectation user_of(const SliceCase& c) {
  Expectation user;
  user.model_id = key_of(c).id();
  user.nonce = kNonce;
  for (std::size_t i = 0; i < c.chunks.size(); ++i) {
    auto& tensor = (i < c.key.inputs.size() ? user.inputs : user.outputs)[c.chunks[i].name];
    const proof::Boundary& b = c.statement.boundaries[i];
    if (b.root)
      tensor.roots.push_back(*b.root);
    else
      tensor.values = b.values;
  }
  return user;
}

}  // namespace dsperse::soundness
