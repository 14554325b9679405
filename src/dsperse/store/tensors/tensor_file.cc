#include "dsperse/store/tensors/tensor_file.h"

#include <algorithm>
#include <cmath>

#include "dsperse/store/disk/file.h"
#include "dsperse/store/tensors/formats.h"

namespace dsperse::store {
namespace {

bool begins(ByteView bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin(),
                                                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

Result<std::vector<FileTensor>> single(Result<FileTensor> tensor) {
  if (!tensor) return std::unexpected(std::move(tensor).error());
  std::vector<FileTensor> out;
  out.push_back(std::move(*tensor));
  return out;
}

Result<std::vector<FileTensor>> parse_any(ByteView bytes, const std::string& where) {
  if (begins(bytes, "\x93NUMPY")) return single(parse_npy(bytes, where));
  if (begins(bytes, "PK")) return parse_npz(bytes, where);
  if (begins(bytes, "\x89PNG")) return single(parse_png(bytes, where));
  if (begins(bytes, "P2") || begins(bytes, "P5")) return single(parse_pgm(bytes, where));
  return parse_json_tensors(bytes, where);
}

}  // namespace

Result<std::vector<FileTensor>> parse_tensors(ByteView bytes, const std::string& where) {
  if (bytes.empty()) return fail(ErrorKind::bad_input, "empty file", where);
  DSPERSE_TRY(auto tensors, parse_any(bytes, where));
  if (tensors.empty()) return fail(ErrorKind::bad_input, "holds no tensor", where);
  for (const FileTensor& t : tensors)
    for (const float x : t.values)
      if (!std::isfinite(x))
        return fail(ErrorKind::bad_input, "holds NaN or infinity", where + (t.name.empty() ? "" : " > " + t.name));
  return tensors;
}

Result<std::vector<FileTensor>> read_tensors(const std::string& path) {
  DSPERSE_TRY(const Bytes bytes, read_file(path, kMaxTensorFile));
  return parse_tensors(bytes, path == "-" ? "standard input" : path);
}

}  // namespace dsperse::store
