// A library to preload into dsperse: kills the process (SIGKILL) right before its n-th call that changes files.
//
//   LD_PRELOAD=libkill_at.so DSPERSE_KILL_AT=n [DSPERSE_KILL_LOG=file] dsperse ...
// Counted: write, pwrite, fsync, fdatasync, ftruncate, rename, unlink on regular files; SQLite's calls are among them, so the
// kills lie before, inside and after every transaction. With a log, each call is a line "n name path" (written before it
// happens). Without DSPERSE_KILL_AT nothing is killed. Used by tests/e2e/kill_test.py; no product links this.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> calls{0};

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

void log_line(long n, const char* name, const char* path) {
  static const char* const file = std::getenv("DSPERSE_KILL_LOG");
  if (file == nullptr) return;
  const int fd = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  char line[4200];
  const int size = std::snprintf(line, sizeof line, "%ld %s %s\n", n, name, path);
  static auto* const write_file = real<ssize_t(int, const void*, size_t)>("write");
  (void)!write_file(fd, line, static_cast<size_t>(size));
  ::close(fd);
}

void count(const char* name, const char* path) {
  static const char* const at = std::getenv("DSPERSE_KILL_AT");
  const long n = ++calls;
  log_line(n, name, path);
  if (at != nullptr && n == std::atol(at)) ::kill(::getpid(), SIGKILL);
}

void count(const char* name, int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  char link[64], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  path[size < 0 ? 0 : size] = '\0';
  count(name, path);
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  count("write", fd);
  static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
  return next(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  count("pwrite", fd);
  static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return next(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  count("pwrite", fd);
  static auto* const next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return next(fd, data, size, at);
}
int fsync(int fd) {
  count("fsync", fd);
  static auto* const next = real<int(int)>("fsync");
  return next(fd);
}
int fdatasync(int fd) {
  count("fdatasync", fd);
  static auto* const next = real<int(int)>("fdatasync");
  return next(fd);
}
int ftruncate(int fd, off_t size) {
  count("ftruncate", fd);
  static auto* const next = real<int(int, off_t)>("ftruncate");
  return next(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  count("ftruncate", fd);
  static auto* const next = real<int(int, off64_t)>("ftruncate64");
  return next(fd, size);
}
int rename(const char* from, const char* to) {
  count("rename", to);
  static auto* const next = real<int(const char*, const char*)>("rename");
  return next(from, to);
}
int unlink(const char* path) {
  count("unlink", path);
  static auto* const next = real<int(const char*)>("unlink");
  return next(path);
}

}  // extern "C"
