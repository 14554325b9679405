// Tensors as JSON: {"name": nested or flat list, ...}, or one bare list. Nesting gives the shape and must be even.
#include <cmath>
#include <nlohmann/json.hpp>

#include "dsperse/base/nesting.h"
#include "dsperse/store/tensors/formats.h"

namespace dsperse::store {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kMaxRank = 8;

/// Appends the numbers of `value`; `shape` is what the first branch gave, and every other must agree.
bool flatten(const Json& value, std::size_t depth, FileTensor& out) {
  if (!value.is_array()) {
    if (!value.is_number() || depth != out.shape.size()) return false;
    if (value.is_number_integer() && std::abs(value.get<double>()) > static_cast<double>(kMaxExactInteger)) return false;
    out.values.push_back(value.get<float>());
    return true;
  }
  if (depth >= out.shape.size() || static_cast<std::int64_t>(value.size()) != out.shape[depth]) return false;
  for (const Json& x : value)
    if (!flatten(x, depth + 1, out)) return false;
  return true;
}

Result<FileTensor> tensor(const Json& value, const std::string& name, const std::string& where) {
  FileTensor out;
  out.name = name;
  for (const Json* at = &value; at->is_array(); at = &at->front()) {
    out.shape.push_back(static_cast<std::int64_t>(at->size()));
    if (out.shape.size() > kMaxRank || at->empty()) break;
  }
  if (out.shape.size() > kMaxRank || !flatten(value, 0, out))
    return fail(ErrorKind::bad_input, "JSON: not an even, nested list of numbers (integers at most 2^24)",
                where + (name.empty() ? "" : " > " + name));
  return out;
}

}  // namespace

Result<std::vector<FileTensor>> parse_json_tensors(ByteView bytes, const std::string& where) {
  if (!nests_at_most(bytes)) return fail(ErrorKind::bad_input, "JSON: nested too deep", where);
  const Json root = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (root.is_discarded() || !(root.is_array() || root.is_object()))
    return fail(ErrorKind::bad_input, "neither .npy, .npz, PNG, PGM nor a JSON list or object", where);
  std::vector<FileTensor> out;
  if (root.is_array()) {
    DSPERSE_TRY(FileTensor t, tensor(root, {}, where));
    out.push_back(std::move(t));
    return out;
  }
  for (const auto& [name, value] : root.items()) {
    DSPERSE_TRY(FileTensor t, tensor(value, name, where));
    out.push_back(std::move(t));
  }
  return out;
}

}  // namespace dsperse::store
