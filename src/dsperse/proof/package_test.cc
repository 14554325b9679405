// Slice packages: the model's slice and nothing else; as strict as a model's key.
#include "dsperse/proof/package.h"

#include <gtest/gtest.h>

#include <functional>

#include "dsperse/proof/testing/model.h"

namespace dsperse::proof {
namespace {

using testing::make_model;
using testing::ModelCase;

const ModelCase& hidden() {
  static const ModelCase m = make_model(testing::chunk_model());
  return m;
}
const ModelCase& shown() {
  static const ModelCase m = [] {
    auto spec = testing::skip_model();
    spec.public_weights = true;
    return make_model(std::move(spec));
  }();
  return m;
}

TEST(SlicePackage, IsTheModelsSlice) {
  for (const ModelCase* m : {&hidden(), &shown()})
    for (std::uint32_t s = 0; s < m->key.slices.size(); ++s) {
      const Bytes bytes = encode_slice_package(m->key, s);
      const auto package = decode_slice_package(bytes);
      ASSERT_TRUE(package) << package.error().text();
      const SliceKey& key = m->key.slices[s];
      EXPECT_EQ(package->key.digest(), key.digest());
      EXPECT_EQ(package->key.range_proof, key.range_proof);
      EXPECT_EQ(encode_slice_package(*package), bytes);
      EXPECT_EQ(package->numbers.size(), key.ports().size());
      for (const Port& p : key.ports()) {
        ASSERT_NE(package->chunk(p.chunk), nullptr);
        EXPECT_EQ(*package->chunk(p.chunk), m->key.chunks[p.chunk]);
      }
      EXPECT_EQ(package->chunk(77), nullptr);
    }
}

TEST(SlicePackage, TruncatedAndTrailingBytesAreRefused) {
  const Bytes bytes = encode_slice_package(hidden().key, 2);
  for (std::size_t n = 0; n < bytes.size(); n += n < 2000 ? 1 : 1013)
    EXPECT_FALSE(decode_slice_package(ByteView(bytes).first(n))) << n;
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_slice_package(longer));
}

/// A changed byte is refused, or changes the slice's digest, or lies in the name of a chunk or in the range proof: what no worker
/// relies on.
TEST(SlicePackage, FlippedBytesAreSeen) {
  const SlicePackage real = slice_package(hidden().key, 2);
  const Bytes bytes = encode_slice_package(real);
  for (std::size_t i = 0; i < bytes.size(); i += i < 1500 ? 1 : 997) {
    Bytes bad = bytes;
    bad[i] ^= 1;
    const auto package = decode_slice_package(bad);
    if (!package || package->key.digest() != real.key.digest()) continue;
    EXPECT_TRUE(package->key.range_proof != real.key.range_proof ||
                !std::equal(package->chunks.begin(), package->chunks.end(), real.chunks.begin(),
                            [](const Chunk& a, const Chunk& b) { return a.name == b.name; }))
        << "byte " << i;
  }
}

TEST(SlicePackage, EveryRule) {
  using Change = std::function<void(SlicePackage&)>;
  const std::vector<std::pair<Change, std::string>> changes = {
      {[](SlicePackage& p) { std::swap(p.numbers[0], p.numbers[1]); }, "do not ascend"},
      {[](SlicePackage& p) { p.numbers[1] = p.numbers[0]; }, "do not ascend"},
      {[](SlicePackage& p) {
         p.numbers.push_back(77);
         p.chunks.push_back(p.chunks[0]);
       },
       "not those of its ports"},
      {[](SlicePackage& p) {
         p.numbers.pop_back();
         p.chunks.pop_back();
       },
       "not those of its ports"},
      {[](SlicePackage& p) { p.key.inputs[1].chunk = p.key.inputs[0].chunk; }, "not those of its ports"},
      {[](SlicePackage& p) { p.key.outputs[0].chunk = p.key.inputs[0].chunk; }, "not those of its ports"},
      {[](SlicePackage& p) { p.chunks[0].lo = p.chunks[0].hi + 1; }, "empty range"},
      {[](SlicePackage& p) { p.chunks[0].shape[0] += 1; }, "port and chunk differ"},
      {[](SlicePackage& p) { p.chunks[0].is_public = !p.chunks[0].is_public; }, "port and chunk differ"},
      {[](SlicePackage& p) { p.key.slack = 0; }, "slack or work"},
      {[](SlicePackage& p) { p.key.boundary.t -= 1; }, "boundary geometry below"},
      {[](SlicePackage& p) { p.key.profile = static_cast<Profile>(99); }, "unknown security profile"},
      {[](SlicePackage& p) { p.key.range_proof.clear(); }, "weight tree"},
      {[](SlicePackage& p) { p.key.options.limb_bits = 17; }, "limb size"}};
  for (const auto& [change, reason] : changes) {
    SlicePackage package = slice_package(hidden().key, 2);
    change(package);
    const auto decoded = decode_slice_package(encode_slice_package(package));
    ASSERT_FALSE(decoded) << reason;
    EXPECT_EQ(decoded.error().kind, ErrorKind::bad_input);
    EXPECT_NE(decoded.error().what.find(reason), std::string::npos) << decoded.error().what;
  }
}

}  // namespace
}  // namespace dsperse::proof
