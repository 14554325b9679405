// NumPy's .npy, versions 1 to 3: little-endian numbers in C order. Source: numpy/lib/format.py.
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "dsperse/store/tensors/formats.h"

namespace dsperse::store {
namespace {

struct Header {
  std::string type;
  bool fortran = false;
  std::vector<std::int64_t> shape;
};

/// What follows `'key':` in the header's dict, blanks skipped.
std::optional<std::string_view> value_of(std::string_view dict, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string name = std::string(1, quote).append(key).append(1, quote);
    const auto at = dict.find(name);
    if (at == std::string_view::npos) continue;
    std::string_view rest = dict.substr(at + name.size());
    const auto colon = rest.find_first_not_of(' ');
    if (colon == std::string_view::npos || rest[colon] != ':') return std::nullopt;
    const auto begin = rest.find_first_not_of(' ', colon + 1);
    if (begin == std::string_view::npos) return std::nullopt;
    return rest.substr(begin);
  }
  return std::nullopt;
}

std::optional<std::vector<std::int64_t>> shape_of(std::string_view text) {
  if (text.empty() || text.front() != '(') return std::nullopt;
  const auto end = text.find(')');
  if (end == std::string_view::npos) return std::nullopt;
  text = text.substr(1, end - 1);
  std::vector<std::int64_t> shape;
  while (true) {
    const auto begin = text.find_first_not_of(" ,L");
    if (begin == std::string_view::npos) return shape;
    text.remove_prefix(begin);
    std::int64_t n = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || n < 0 || shape.size() >= 16) return std::nullopt;
    shape.push_back(n);
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  }
}

std::optional<Header> header_of(std::string_view dict) {
  const auto type = value_of(dict, "descr"), order = value_of(dict, "fortran_order"), shape = value_of(dict, "shape");
  if (!type || !order || !shape || (type->front() != '\'' && type->front() != '"')) return std::nullopt;
  const auto end = type->find(type->front(), 1);
  auto dims = shape_of(*shape);
  if (end == std::string_view::npos || !dims) return std::nullopt;
  return Header{std::string(type->substr(1, end - 1)), order->starts_with("True"), std::move(*dims)};
}

template <class T>
T load(const std::uint8_t* p) {
  T x;
  std::memcpy(&x, p, sizeof x);
  return x;
}

/// Reads one element as double: exact for all types but 64-bit integers beyond 2^53, which are refused anyway.
using Reader = double (*)(const std::uint8_t*);
struct Type {
  std::string_view name;
  std::size_t bytes;
  bool integer;
  Reader read;
};
constexpr Type kTypes[] = {
    {"<f4", 4, false, [](const std::uint8_t* p) { return static_cast<double>(load<float>(p)); }},
    {"<f8", 8, false, [](const std::uint8_t* p) { return load<double>(p); }},
    {"<i8", 8, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::int64_t>(p)); }},
    {"<u8", 8, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::uint64_t>(p)); }},
    {"<i4", 4, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::int32_t>(p)); }},
    {"<u4", 4, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::uint32_t>(p)); }},
    {"<i2", 2, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::int16_t>(p)); }},
    {"<u2", 2, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::uint16_t>(p)); }},
    {"|i1", 1, true, [](const std::uint8_t* p) { return static_cast<double>(load<std::int8_t>(p)); }},
    {"|u1", 1, true, [](const std::uint8_t* p) { return static_cast<double>(*p); }},
    {"|b1", 1, true, [](const std::uint8_t* p) { return *p != 0 ? 1.0 : 0.0; }},
};

static_assert(std::endian::native == std::endian::little);

}  // namespace

Result<FileTensor> parse_npy(ByteView bytes, const std::string& where) {
  const auto bad = [&](const std::string& what) { return fail(ErrorKind::bad_input, "npy: " + what, where); };
  ByteReader r(bytes);
  (void)r.take(6);
  const std::uint8_t major = r.u8();
  (void)r.u8();
  if (!r.ok() || major < 1 || major > 3) return bad("unknown version");
  std::size_t length = r.u8();
  length |= static_cast<std::size_t>(r.u8()) << 8;
  if (major >= 2) {
    length |= static_cast<std::size_t>(r.u8()) << 16;
    length |= static_cast<std::size_t>(r.u8()) << 24;
  }
  const ByteView text = r.take(length);
  if (!r.ok()) return bad("truncated header");
  const auto header = header_of({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!header) return bad("header");
  if (header->fortran) return fail(ErrorKind::unsupported, "npy: column-major order", where, "save numpy.ascontiguousarray(x)");
  const Type* type = nullptr;
  for (const Type& t : kTypes)
    if (t.name == header->type) type = &t;
  if (type == nullptr)
    return fail(ErrorKind::unsupported, "npy: element type " + header->type, where, "save as float32 (x.astype(numpy.float32))");
  std::int64_t count = 1;
  for (const std::int64_t n : header->shape) {
    if (n != 0 && count > kMaxFileElements / n) return fail(ErrorKind::resource, "npy: too many elements", where);
    count *= n;
  }
  if (r.left() != static_cast<std::size_t>(count) * type->bytes) return bad("data do not fit the shape");
  FileTensor out;
  out.shape = header->shape;
  out.values.resize(static_cast<std::size_t>(count));
  const ByteView data = r.take(r.left());
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const double x = type->read(data.data() + i * type->bytes);
    if (type->integer && std::abs(x) > static_cast<double>(kMaxExactInteger)) return bad("an integer beyond 2^24");
    out.values[i] = static_cast<float>(x);
  }
  return out;
}

Bytes encode_npy(const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
  std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t n : shape) dict += std::to_string(n) + ",";
  dict += "), }";
  while ((10 + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  ByteWriter w;
  const std::string_view magic("\x93NUMPY\x01\x00", 8);
  w.raw({reinterpret_cast<const std::uint8_t*>(magic.data()), magic.size()});
  w.u8(static_cast<std::uint8_t>(dict.size()));
  w.u8(static_cast<std::uint8_t>(dict.size() >> 8));
  w.raw({reinterpret_cast<const std::uint8_t*>(dict.data()), dict.size()});
  for (const float x : values) w.u32(std::bit_cast<std::uint32_t>(x));
  return w.take();
}

}  // namespace dsperse::store
