#include "dsperse/model/onnx/tensor.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "dsperse/model/onnx/file.h"

namespace dsperse::model::onnx_file {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

namespace {

using Proto = onnx::TensorProto;

float from_half(std::uint16_t bits) {
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  const int exponent = (bits >> 10) & 31;
  const auto mantissa = static_cast<float>(bits & 1023);
  if (exponent == 31)
    return (bits & 1023) != 0 ? std::numeric_limits<float>::quiet_NaN() : sign * std::numeric_limits<float>::infinity();
  return exponent == 0 ? sign * std::ldexp(mantissa, -24) : sign * std::ldexp(1024.0F + mantissa, exponent - 25);
}

float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

/// Bytes of one element in raw data.
std::uint64_t width_of(std::int32_t type) {
  switch (type) {
    case Proto::UINT8:
    case Proto::INT8:
    case Proto::BOOL:
      return 1;
    case Proto::UINT16:
    case Proto::INT16:
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
      return 2;
    case Proto::FLOAT:
    case Proto::INT32:
    case Proto::UINT32:
      return 4;
    default:
      return 8;
  }
}

template <class T, class Out, class Convert>
void read_raw(ByteView raw, std::vector<Out>& out, Convert convert) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
    out[i] = convert(value);
  }
}

constexpr auto kToFloat = [](auto v) { return static_cast<float>(v); };
constexpr auto kToInt = [](auto v) { return static_cast<std::int64_t>(v); };

/// raw has exactly the right size.
void decode_raw(std::int32_t type, ByteView raw, Tensor& out) {
  switch (type) {
    case Proto::FLOAT:
      return read_raw<float>(raw, out.f, kToFloat);
    case Proto::DOUBLE:
      return read_raw<double>(raw, out.f, kToFloat);
    case Proto::FLOAT16:
      return read_raw<std::uint16_t>(raw, out.f, from_half);
    case Proto::BFLOAT16:
      return read_raw<std::uint16_t>(raw, out.f, from_bfloat);
    case Proto::UINT8:
      return read_raw<std::uint8_t>(raw, out.i, kToInt);
    case Proto::INT8:
      return read_raw<std::int8_t>(raw, out.i, kToInt);
    case Proto::UINT16:
      return read_raw<std::uint16_t>(raw, out.i, kToInt);
    case Proto::INT16:
      return read_raw<std::int16_t>(raw, out.i, kToInt);
    case Proto::INT32:
      return read_raw<std::int32_t>(raw, out.i, kToInt);
    case Proto::UINT32:
      return read_raw<std::uint32_t>(raw, out.i, kToInt);
    case Proto::BOOL:
      return read_raw<std::uint8_t>(raw, out.i, [](std::uint8_t v) { return std::int64_t{v != 0}; });
    default:
      return read_raw<std::int64_t>(raw, out.i, kToInt);  // a UINT64 beyond int64 turns negative: checked below
  }
}

std::unexpected<Error> wrong_size(std::uint64_t found, std::uint64_t wanted, const char* unit, const Shape& shape) {
  return fail(ErrorKind::bad_input, "wrong length: " + std::to_string(found) + " " + unit + ", shape " + shape_text(shape) +
                                        " needs " + std::to_string(wanted));
}

/// Numbers in all typed fields together.
std::uint64_t typed_values(const Proto& proto) {
  std::uint64_t sum = 0;
  for (const int size : {proto.float_data_size(), proto.int32_data_size(), proto.int64_data_size(), proto.double_data_size(),
                         proto.uint64_data_size()})
    sum += static_cast<std::uint64_t>(size);
  return sum;
}

/// The typed field that belongs to the type; every other one must be empty.
Status decode_typed(const Proto& proto, Tensor& out) {
  const std::int32_t type = proto.data_type();
  const auto take = [&](const auto& field, auto& to, auto convert) -> Status {
    if (static_cast<std::size_t>(field.size()) != to.size())
      return fail(ErrorKind::bad_input, "values are stored in a field of another type");
    std::transform(field.begin(), field.end(), to.begin(), convert);
    return {};
  };
  switch (type) {
    case Proto::FLOAT:
      return take(proto.float_data(), out.f, kToFloat);
    case Proto::DOUBLE:
      return take(proto.double_data(), out.f, kToFloat);
    case Proto::FLOAT16:
    case Proto::BFLOAT16: {
      for (const std::int32_t v : proto.int32_data())
        if (v < 0 || v > 65535) return fail(ErrorKind::bad_input, "value " + std::to_string(v) + " is no 16-bit float");
      return take(proto.int32_data(), out.f, [&](std::int32_t v) {
        return type == Proto::FLOAT16 ? from_half(static_cast<std::uint16_t>(v)) : from_bfloat(static_cast<std::uint16_t>(v));
      });
    }
    case Proto::INT64:
      return take(proto.int64_data(), out.i, kToInt);
    case Proto::UINT32:
    case Proto::UINT64:
      return take(proto.uint64_data(), out.i, kToInt);
    default:
      return take(proto.int32_data(), out.i, kToInt);
  }
}

Result<std::uint64_t> decimal(const std::string& text, const std::string& key) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc{} || stop != end) return fail(ErrorKind::bad_input, "external data: '" + key + "' is not a number");
  return value;
}

Result<Bytes> read_external(const Proto& proto, const TensorContext& context, std::uint64_t bytes) {
  if (!context.allow_external || context.folder.empty())
    return fail(ErrorKind::unsupported, "the values lie in another file (external data)", {},
                "save the model as one file, or allow external data");
  Extent extent;
  bool found = false;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") {
      found = true;
      extent.location = entry.value();
    } else if (entry.key() == "offset") {
      DSPERSE_TRY(extent.offset, decimal(entry.value(), "offset"));
    } else if (entry.key() == "length") {
      DSPERSE_TRY(extent.length, decimal(entry.value(), "length"));
    }
  }
  if (!found) return fail(ErrorKind::bad_input, "external data without a location");
  return read_inside(context.folder, extent, bytes);
}

}  // namespace

Range range_of(std::int32_t data_type) {
  switch (data_type) {
    case Proto::UINT8:
      return {0, 255};
    case Proto::INT8:
      return {-128, 127};
    case Proto::UINT16:
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
      return {0, 65535};
    case Proto::INT16:
      return {-32768, 32767};
    case Proto::INT32:
      return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
    case Proto::UINT32:
      return {0, std::numeric_limits<std::uint32_t>::max()};
    case Proto::UINT64:
      return {0, std::numeric_limits<std::int64_t>::max()};
    case Proto::BOOL:
      return {0, 1};
    default:
      return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
  }
}

Result<DType> dtype_of(std::int32_t data_type) {
  switch (data_type) {
    case Proto::FLOAT:
    case Proto::DOUBLE:
    case Proto::FLOAT16:
    case Proto::BFLOAT16:
      return DType::f32;
    case Proto::UINT8:
    case Proto::INT8:
    case Proto::UINT16:
    case Proto::INT16:
    case Proto::INT32:
    case Proto::INT64:
    case Proto::UINT32:
    case Proto::UINT64:
      return DType::i64;
    case Proto::BOOL:
      return DType::boolean;
    case Proto::STRING:
      return fail(ErrorKind::unsupported, "tensor of strings");
    case Proto::COMPLEX64:
    case Proto::COMPLEX128:
      return fail(ErrorKind::unsupported, "tensor of complex numbers");
    case Proto::UNDEFINED:
      return fail(ErrorKind::bad_input, "tensor without a data type");
    default:
      return fail(ErrorKind::unsupported, "tensor of data type number " + std::to_string(data_type));
  }
}

Result<Tensor> decode_tensor(const Proto& proto, TensorContext& context) {
  if (proto.has_segment()) return fail(ErrorKind::unsupported, "tensor stored in segments");
  Tensor out;
  DSPERSE_TRY(out.dtype, dtype_of(proto.data_type()));
  if (out.dtype == DType::i64) out.element = proto.data_type();
  if (static_cast<std::size_t>(proto.dims_size()) > kMaxRank)
    return fail(ErrorKind::unsupported, "tensor has " + std::to_string(proto.dims_size()) + " axes, at most 16 work");
  out.shape.assign(proto.dims().begin(), proto.dims().end());
  DSPERSE_TRY(const std::int64_t count, element_count(out.shape));
  const auto n = static_cast<std::uint64_t>(count);
  const bool is_float = out.dtype == DType::f32;
  const std::uint64_t decoded = n * (is_float ? sizeof(float) : sizeof(std::int64_t)),
                      raw_bytes = n * width_of(proto.data_type());
  if (decoded > context.bytes_left)
    return fail(ErrorKind::resource, "the model's tensors are larger than the memory limit for them");

  // Sizes before allocation.
  const bool external = proto.data_location() == Proto::EXTERNAL;
  const bool typed = typed_values(proto) > 0;
  if (static_cast<int>(external) + static_cast<int>(typed) + static_cast<int>(proto.has_raw_data()) > 1)
    return fail(ErrorKind::bad_input, "values are stored in more than one way");
  if (proto.has_raw_data() && proto.raw_data().size() != raw_bytes)
    return wrong_size(proto.raw_data().size(), raw_bytes, "bytes", out.shape);
  if (!external && !proto.has_raw_data() && !typed && n != 0) return wrong_size(0, n, "values", out.shape);
  Bytes file;
  if (external) {
    DSPERSE_TRY(file, read_external(proto, context, raw_bytes));
  }
  if (typed && typed_values(proto) != n) return wrong_size(typed_values(proto), n, "values", out.shape);
  context.bytes_left -= decoded;
  if (is_float)
    out.f.resize(n);
  else
    out.i.resize(n);

  if (typed)
    DSPERSE_CHECK_OK(decode_typed(proto, out));
  else if (external)
    decode_raw(proto.data_type(), file, out);
  else if (n != 0)
    decode_raw(proto.data_type(), {reinterpret_cast<const std::uint8_t*>(proto.raw_data().data()), proto.raw_data().size()}, out);

  // Minus infinity is what masks hide with; prepare() refuses it elsewhere.
  if (!std::ranges::all_of(out.f, [](float v) { return v < std::numeric_limits<float>::infinity(); }))
    return fail(ErrorKind::bad_input, "tensor holds NaN or infinity");
  const Range range = range_of(proto.data_type());
  for (const std::int64_t v : out.i)
    if (v < range.low || v > range.high)
      return fail(ErrorKind::bad_input, "value " + std::to_string(v) + " does not fit into the tensor's type");
  return out;
}

}  // namespace dsperse::model::onnx_file
