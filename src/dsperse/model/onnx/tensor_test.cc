#include "dsperse/model/onnx/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dsperse::model::onnx_file {
namespace {

using Proto = onnx::TensorProto;
using ::testing::HasSubstr;

Proto tensor(std::int32_t type, std::int64_t count) {
  Proto t;
  t.set_data_type(type);
  t.add_dims(count);
  return t;
}

Result<Tensor> decode(const Proto& proto, std::uint64_t bytes = 1 << 20) {
  TensorContext context{bytes, false, {}};
  return decode_tensor(proto, context);
}

template <class T>
Proto raw(std::int32_t type, const std::vector<T>& values) {
  Proto t = tensor(type, static_cast<std::int64_t>(values.size()));
  t.set_raw_data(values.data(), values.size() * sizeof(T));
  return t;
}

TEST(TensorProto, RawDataOfEveryType) {
  EXPECT_EQ(decode(raw<float>(Proto::FLOAT, {1.5F, -2}))->f, (std::vector<float>{1.5F, -2}));
  EXPECT_EQ(decode(raw<double>(Proto::DOUBLE, {1.5, -2}))->f, (std::vector<float>{1.5F, -2}));
  // 1, -2, smallest subnormal, largest, 1/3 rounded.
  EXPECT_EQ(decode(raw<std::uint16_t>(Proto::FLOAT16, {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x3555, 0x8000}))->f,
            (std::vector<float>{1, -2, 5.9604644775390625e-8F, 65504, 0.333251953125F, 0}));
  EXPECT_EQ(decode(raw<std::uint16_t>(Proto::BFLOAT16, {0x3F80, 0xC000}))->f, (std::vector<float>{1, -2}));
  EXPECT_EQ(decode(raw<std::int8_t>(Proto::INT8, {-128, 127}))->i, (std::vector<std::int64_t>{-128, 127}));
  EXPECT_EQ(decode(raw<std::uint8_t>(Proto::UINT8, {255, 0}))->i, (std::vector<std::int64_t>{255, 0}));
  EXPECT_EQ(decode(raw<std::int16_t>(Proto::INT16, {-32768}))->i, (std::vector<std::int64_t>{-32768}));
  EXPECT_EQ(decode(raw<std::uint16_t>(Proto::UINT16, {65535}))->i, (std::vector<std::int64_t>{65535}));
  EXPECT_EQ(decode(raw<std::int32_t>(Proto::INT32, {-7}))->i, (std::vector<std::int64_t>{-7}));
  EXPECT_EQ(decode(raw<std::uint32_t>(Proto::UINT32, {4000000000U}))->i, (std::vector<std::int64_t>{4000000000}));
  EXPECT_EQ(decode(raw<std::int64_t>(Proto::INT64, {std::int64_t{-1} << 62}))->i,
            (std::vector<std::int64_t>{std::int64_t{-1} << 62}));
  EXPECT_EQ(decode(raw<std::uint64_t>(Proto::UINT64, {7}))->i, (std::vector<std::int64_t>{7}));
  EXPECT_EQ(decode(raw<std::uint8_t>(Proto::BOOL, {1, 0}))->i, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(decode(raw<std::uint8_t>(Proto::BOOL, {1, 0}))->dtype, DType::boolean);
}

TEST(TensorProto, TypedDataOfEveryField) {
  Proto f = tensor(Proto::FLOAT, 1);
  f.add_float_data(2.5F);
  EXPECT_EQ(decode(f)->f, (std::vector<float>{2.5F}));
  Proto d = tensor(Proto::DOUBLE, 1);
  d.add_double_data(2.5);
  EXPECT_EQ(decode(d)->f, (std::vector<float>{2.5F}));
  Proto half = tensor(Proto::FLOAT16, 1);
  half.add_int32_data(0x3C00);
  EXPECT_EQ(decode(half)->f, (std::vector<float>{1}));
  for (const std::int32_t type : {Proto::INT8, Proto::UINT8, Proto::INT16, Proto::UINT16, Proto::INT32, Proto::BOOL}) {
    Proto t = tensor(type, 1);
    t.add_int32_data(1);
    EXPECT_EQ(decode(t)->i, (std::vector<std::int64_t>{1})) << type;
  }
  Proto wide = tensor(Proto::INT64, 2);
  wide.add_int64_data(-5);
  wide.add_int64_data(5);
  EXPECT_EQ(decode(wide)->i, (std::vector<std::int64_t>{-5, 5}));
  for (const std::int32_t type : {Proto::UINT32, Proto::UINT64}) {
    Proto t = tensor(type, 1);
    t.add_uint64_data(9);
    EXPECT_EQ(decode(t)->i, (std::vector<std::int64_t>{9})) << type;
  }
}

TEST(TensorProto, ValuesThatDoNotFitTheirTypeAreRefused) {
  Proto small = tensor(Proto::INT8, 1);
  small.add_int32_data(128);
  EXPECT_THAT(decode(small).error().text(), HasSubstr("does not fit"));
  Proto half = tensor(Proto::FLOAT16, 1);
  half.add_int32_data(70000);
  EXPECT_THAT(decode(half).error().text(), HasSubstr("16-bit"));
  EXPECT_THAT(decode(raw<std::uint64_t>(Proto::UINT64, {~std::uint64_t{0}})).error().text(), HasSubstr("does not fit"));
  EXPECT_THAT(decode(raw<std::uint16_t>(Proto::FLOAT16, {0x7C00})).error().text(), HasSubstr("infinity"));
  EXPECT_THAT(decode(raw<double>(Proto::DOUBLE, {1e300})).error().text(), HasSubstr("infinity")) << "beyond float";
}

TEST(TensorProto, EmptyTensorsAndScalars) {
  const auto empty = decode(tensor(Proto::INT64, 0));
  ASSERT_TRUE(empty) << empty.error().text();
  EXPECT_TRUE(empty->i.empty());
  Proto scalar;
  scalar.set_data_type(Proto::FLOAT);
  scalar.add_float_data(3);
  EXPECT_EQ(decode(scalar)->shape, Shape{});
}

TEST(TensorProto, TheBudgetIsChargedBeforeAllocation) {
  Proto t = raw<std::uint8_t>(Proto::UINT8, std::vector<std::uint8_t>(100, 1));
  TensorContext context{1000, false, {}};
  ASSERT_TRUE(decode_tensor(t, context));
  EXPECT_EQ(context.bytes_left, 200U) << "100 values of 8 bytes";
  EXPECT_EQ(decode_tensor(t, context).error().kind, ErrorKind::resource);
  // A shape of 2^30 elements in a file of a few bytes.
  Proto lie = tensor(Proto::UINT8, std::int64_t{1} << 30);
  EXPECT_EQ(decode(lie, std::uint64_t{1} << 40).error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace dsperse::model::onnx_file
