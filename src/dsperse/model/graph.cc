#include "dsperse/model/graph.h"

namespace dsperse::model {

Result<std::int64_t> element_count(const Shape& shape) {
  if (shape.size() > kMaxRank)
    return fail(ErrorKind::unsupported, "tensor has " + std::to_string(shape.size()) + " axes, at most 16 work");
  std::int64_t count = 1;
  bool empty = false, large = false;
  for (const std::int64_t d : shape) {
    if (d < 0) return fail(ErrorKind::bad_input, "negative dimension " + std::to_string(d));
    if (d == 0)
      empty = true;
    else if (large || count > kMaxElements / d)
      large = true;
    else
      count *= d;
  }
  if (empty) return 0;
  if (large) return fail(ErrorKind::resource, "tensor of shape " + shape_text(shape) + " has more than 2^31 elements");
  return count;
}

std::string shape_text(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string out;
  for (const std::int64_t d : shape) {
    if (!out.empty()) out += 'x';
    out += std::to_string(d);
  }
  return out;
}

std::string dtype_text(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "float";
    case DType::i64:
      return "integer";
    case DType::boolean:
      return "boolean";
  }
  return "unknown";
}

Status check_tensor(const Tensor& tensor) {
  DSPERSE_TRY(const std::int64_t count, element_count(tensor.shape));
  const bool is_float = tensor.dtype == DType::f32;
  const std::size_t size = is_float ? tensor.f.size() : tensor.i.size();
  const std::size_t other = is_float ? tensor.i.size() : tensor.f.size();
  if (size != static_cast<std::size_t>(count) || other != 0)
    return fail(ErrorKind::bad_input, "tensor of shape " + shape_text(tensor.shape) + " holds " + std::to_string(size) +
                                          " values, not " + std::to_string(count));
  return {};
}

Tensor float_tensor(Shape shape, std::vector<float> values) { return {DType::f32, std::move(shape), std::move(values), {}}; }

Tensor int_tensor(Shape shape, std::vector<std::int64_t> values, DType dtype) {
  return {dtype, std::move(shape), {}, std::move(values)};
}

namespace {

template <class T>
Result<T> attribute_or(const Node& node, const std::string& key, T fallback, const char* kind) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return fallback;
  if (const T* value = std::get_if<T>(&it->second)) return *value;
  return fail(ErrorKind::bad_input, std::string("attribute is not ") + kind, "attribute '" + key + "'");
}

}  // namespace

Result<std::int64_t> Node::int_or(const std::string& key, std::int64_t fallback) const {
  return attribute_or<std::int64_t>(*this, key, fallback, "an integer");
}
Result<float> Node::float_or(const std::string& key, float fallback) const {
  return attribute_or<float>(*this, key, fallback, "a float");
}
Result<std::string> Node::string_or(const std::string& key, const std::string& fallback) const {
  return attribute_or<std::string>(*this, key, fallback, "a string");
}
Result<std::vector<std::int64_t>> Node::ints_or(const std::string& key, std::vector<std::int64_t> fallback) const {
  return attribute_or<std::vector<std::int64_t>>(*this, key, std::move(fallback), "a list of integers");
}
Result<std::vector<float>> Node::floats_or(const std::string& key, std::vector<float> fallback) const {
  return attribute_or<std::vector<float>>(*this, key, std::move(fallback), "a list of floats");
}
Result<std::vector<std::string>> Node::strings_or(const std::string& key, std::vector<std::string> fallback) const {
  return attribute_or<std::vector<std::string>>(*this, key, std::move(fallback), "a list of strings");
}

std::string node_text(const Node& node) { return "node '" + node.name + "' (" + node.op + ")"; }

}  // namespace dsperse::model
