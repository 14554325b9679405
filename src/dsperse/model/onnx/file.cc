#include "dsperse/model/onnx/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace dsperse::model::onnx_file {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error open_error(const std::string& where) {
  const int code = errno;
  if (code == ELOOP || code == EMLINK)
    return {ErrorKind::bad_input, "is a symbolic link", where, "give the file itself; links are not followed"};
  if (code == ENOTDIR) return {ErrorKind::bad_input, "a part of the path is a link or no folder", where, {}};
  return {ErrorKind::bad_input, std::string("cannot open: ") + std::strerror(code), where, {}};
}

/// Size of an open regular file.
Result<std::uint64_t> regular_size(const Descriptor& file, const std::string& where) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0)
    return fail(ErrorKind::bad_input, std::string("cannot read: ") + std::strerror(errno), where);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::bad_input, "is not a regular file", where);
  return static_cast<std::uint64_t>(info.st_size);
}

/// Exactly `length` bytes from `offset`, both inside the file.
Result<Bytes> read_extent(const Descriptor& file, std::uint64_t offset, std::uint64_t length, const std::string& where) {
  Bytes out(length);
  std::uint64_t done = 0;
  while (done < length) {
    const ssize_t n = ::pread(file.get(), out.data() + done, length - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorKind::bad_input, std::string("cannot read: ") + std::strerror(errno), where);
    if (n == 0) return fail(ErrorKind::bad_input, "file became shorter while it was read", where);
    done += static_cast<std::uint64_t>(n);
  }
  return out;
}

/// Plain components: no empty one, no "." or "..", not absolute.
Result<std::vector<std::string>> components(const std::string& location) {
  const auto bad = [&] {
    return fail(ErrorKind::bad_input, "external data outside of the model's folder", "location '" + location + "'",
                "only a relative path without '..' is read");
  };
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= location.size()) {
    const std::size_t end = std::min(location.find('/', begin), location.size());
    parts.push_back(location.substr(begin, end - begin));
    const std::string& part = parts.back();
    if (part.empty() || part == "." || part == ".." || part.find('\\') != std::string::npos ||
        part.find('\0') != std::string::npos)
      return bad();
    begin = end + 1;
  }
  if (parts.empty() || parts.size() > 64 || location.size() > 4096) return bad();
  return parts;
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return std::unexpected(open_error({}));
  DSPERSE_TRY(const std::uint64_t size, regular_size(file, {}));
  if (size > max_bytes)
    return fail(ErrorKind::resource,
                "file of " + std::to_string(size) + " bytes is larger than the limit of " + std::to_string(max_bytes));
  return read_extent(file, 0, size, {});
}

Result<Bytes> read_inside(const std::string& folder, const Extent& extent, std::uint64_t expected) {
  const std::string where = "location '" + extent.location + "'";
  DSPERSE_TRY(const std::vector<std::string> parts, components(extent.location));
  Descriptor at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0) return std::unexpected(open_error(where));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int kind = i + 1 < parts.size() ? O_DIRECTORY : O_NONBLOCK;
    Descriptor next(::openat(at.get(), parts[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind));
    if (next.get() < 0) return std::unexpected(open_error(where));
    at = std::move(next);
  }
  DSPERSE_TRY(const std::uint64_t size, regular_size(at, where));
  if (extent.offset > size || expected > size - extent.offset)
    return fail(ErrorKind::bad_input, "external data ends before the tensor does", where);
  const std::uint64_t length = extent.length.value_or(size - extent.offset);
  if (length != expected)
    return fail(ErrorKind::bad_input,
                "external data of " + std::to_string(length) + " bytes, the tensor's shape needs " + std::to_string(expected),
                where);
  return read_extent(at, extent.offset, expected, where);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace dsperse::model::onnx_file
