#include "dsperse/store/disk/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace dsperse::store {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> os_error(const std::string& action, const std::string& path) {
  const int code = errno;
  // What says nothing about the file, and may pass.
  static constexpr std::array kMayPass = {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, EIO};
  const ErrorKind kind = std::ranges::find(kMayPass, code) != kMayPass.end() ? ErrorKind::resource : ErrorKind::bad_input;
  return fail(kind, action + ": " + std::strerror(code), path);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// expected: bytes that are likely to come.
Result<Bytes> read_all(int fd, const std::string& path, std::uint64_t limit, std::uint64_t expected = 0) {
  Bytes out;
  out.reserve(static_cast<std::size_t>(std::min(limit, expected)));
  std::array<std::uint8_t, 1 << 16> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("cannot read", path);
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > limit)
      return fail(ErrorKind::resource, "larger than the limit of " + std::to_string(limit) + " bytes", path);
    out.insert(out.end(), buffer.begin(), buffer.begin() + got);
  }
}

std::string folder_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

Status sync_folder(const std::string& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return os_error("cannot sync the folder", folder);
  return {};
}

Result<Bytes> read_file(const std::string& path, std::uint64_t limit) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input", limit);
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return os_error("cannot open", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return os_error("cannot read", path);
  if (S_ISDIR(info.st_mode)) return fail(ErrorKind::bad_input, "is a folder, a file was expected", path);
  return read_all(fd.get(), path, limit, S_ISREG(info.st_mode) ? static_cast<std::uint64_t>(info.st_size) : 0);
}

Result<std::uint64_t> file_size(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return os_error("cannot open", path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::bad_input, "is no regular file", path);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<Bytes> read_part(const std::string& path, std::uint64_t offset, std::size_t size) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return os_error("cannot open", path);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return os_error("cannot read", path);
  const auto there = static_cast<std::uint64_t>(std::max<off_t>(0, info.st_size));
  if (offset > there || size > there - offset) return fail(ErrorKind::bad_input, "ends too early", path);
  Bytes out(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::pread(fd.get(), out.data() + at, size - at, static_cast<off_t>(offset + at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("cannot read", path);
    if (got == 0) return fail(ErrorKind::bad_input, "ends too early", path);
    at += static_cast<std::size_t>(got);
  }
  return out;
}

Status write_file(const std::string& path, ByteView bytes, Access access) {
  static std::atomic<unsigned> counter{0};
  const std::string folder = folder_of(path);
  const std::string temporary = join(
      folder, std::string(kTemporaryPrefix).append(std::to_string(::getpid())).append("-").append(std::to_string(counter++)));
  const mode_t mode = access == Access::secret ? 0600 : 0644;
  {
    const Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (fd.get() < 0) return os_error("cannot create a file", folder);
    if (access == Access::secret && ::fchmod(fd.get(), 0600) != 0) return os_error("cannot restrict access", temporary);
    for (std::size_t at = 0; at < bytes.size();) {
      const ssize_t put = ::write(fd.get(), bytes.data() + at, bytes.size() - at);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const auto error = os_error("cannot write", path);
        ::unlink(temporary.c_str());
        return error;
      }
      at += static_cast<std::size_t>(put);
    }
    if (::fsync(fd.get()) != 0) {
      const auto error = os_error("cannot write", path);
      ::unlink(temporary.c_str());
      return error;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const auto error = os_error("cannot write", path);
    ::unlink(temporary.c_str());
    return error;
  }
  return sync_folder(folder);
}

Status write_file(const std::string& path, const std::string& text, Access access) {
  return write_file(path, ByteView{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, access);
}

Status make_folder(const std::string& path, Access access) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (const std::string parent = fs::path(path).parent_path().string(); !parent.empty() && parent != path)
    DSPERSE_CHECK_OK(make_folder(parent, Access::shared));
  if (::mkdir(path.c_str(), access == Access::secret ? 0700 : 0755) != 0 && errno != EEXIST)
    return os_error("cannot create the folder", path);
  if (!fs::is_directory(path, error))
    return fail(ErrorKind::bad_input, "is no folder", path, "remove it or choose another --out");
  return {};
}

Result<std::vector<std::string>> list_files(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (it->is_regular_file(error) && !name.starts_with(kTemporaryPrefix)) names.push_back(std::move(name));
  }
  if (error) return fail(ErrorKind::bad_input, "cannot list the folder: " + error.message(), folder);
  std::sort(names.begin(), names.end());
  return names;
}

void remove_unfinished(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> left;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(kTemporaryPrefix)) left.push_back(it->path());
  for (const fs::path& p : left) fs::remove(p, error);
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string join(const std::string& folder, const std::string& name) { return (fs::path(folder) / name).string(); }

std::string stem(const std::string& path) {
  fs::path p(path);
  if (!p.has_filename()) p = p.parent_path();
  return p.stem().string();
}

}  // namespace dsperse::store
