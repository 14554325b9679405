#include "dsperse/float_engine/engine.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace dsperse::float_engine {
namespace {

constexpr const char* kBridge =
#include "bridge.inc"
    ;

constexpr std::size_t kMostText = std::size_t{1} << 20;
constexpr std::uint32_t kMostOutputs = 4096;

std::string python() {
  const char* given = std::getenv("DSPERSE_PYTHON");
  return given != nullptr && *given != '\0' ? given : "python3";
}

std::string hint(const std::string& name) {
  return "install it (`pip install " + name + "`), or set DSPERSE_PYTHON to the Python that has it";
}

std::size_t element_size(model::DType dtype) {
  return dtype == model::DType::f32 ? sizeof(float) : dtype == model::DType::i64 ? sizeof(std::int64_t) : 1;
}

void write_tensor(ByteWriter& w, const std::string& name, const model::Tensor& t) {
  w.text(name);
  w.u8(static_cast<std::uint8_t>(t.dtype));
  w.u32(static_cast<std::uint32_t>(t.shape.size()));
  for (const std::int64_t n : t.shape) w.i64(n);
  const std::size_t count = t.dtype == model::DType::f32 ? t.f.size() : t.i.size();
  w.u64(count * element_size(t.dtype));
  if (t.dtype == model::DType::f32) w.raw({reinterpret_cast<const std::uint8_t*>(t.f.data()), count * sizeof(float)});
  for (const std::int64_t v : t.i) t.dtype == model::DType::boolean ? w.u8(v != 0 ? 1 : 0) : w.i64(v);
}

}  // namespace

Result<Engine> Engine::start(const std::string& name) {
  if (name != kOnnxRuntime && name != kOpenVino)
    return fail(ErrorKind::usage, "no engine is called " + name, {}, "onnxruntime or openvino");
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(ErrorKind::resource, std::string("cannot make a socket: ") + std::strerror(errno));
  const std::string program = python();
  std::string argument = name, script = kBridge, option = "-c", called = program;
  std::array<char*, 5> arguments{called.data(), option.data(), script.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 0);
  pid_t process = -1;
  const int failed = ::posix_spawnp(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  Engine out(name, ends[0], failed != 0 ? -1 : process);
  if (failed != 0)
    return fail(ErrorKind::backend, "cannot start Python for " + name + ": " + std::strerror(failed), program, hint(name));
  const auto refused = [&](const Error& error) {
    return fail(ErrorKind::backend, "the engine " + name + " is not there: " + error.what, program, hint(name));
  };
  if (const Status ready = out.answered(); !ready) return refused(ready.error());
  auto version = out.text();
  if (!version) return refused(version.error());
  out.version_ = std::move(*version);
  return out;
}

Engine::Engine(Engine&& other) noexcept
    : name_(std::move(other.name_)),
      version_(std::move(other.version_)),
      socket_(std::exchange(other.socket_, -1)),
      process_(std::exchange(other.process_, -1)),
      loaded_(std::move(other.loaded_)) {}

Engine::~Engine() {
  if (socket_ >= 0) ::close(socket_);  // it ends when nobody asks any more
  if (process_ >= 0) ::waitpid(process_, nullptr, 0);
}

Status Engine::send(ByteView bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return fail(ErrorKind::backend, "the engine's process ended", name_);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

Status Engine::receive(void* to, std::size_t size) const {
  auto* at = static_cast<std::uint8_t*>(to);
  while (size != 0) {
    const ssize_t got = ::recv(socket_, at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(ErrorKind::backend, "the engine's process ended", name_);
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

template <class T>
Result<T> Engine::number() const {
  T value{};
  DSPERSE_CHECK_OK(receive(&value, sizeof value));  // both ends are this machine's, which is little-endian
  return value;
}

Result<std::string> Engine::text() const {
  DSPERSE_TRY(const auto size, number<std::uint32_t>());
  if (size > kMostText) return fail(ErrorKind::backend, "the engine's process says something that is no answer", name_);
  std::string out(size, '\0');
  DSPERSE_CHECK_OK(receive(out.data(), size));
  for (char& ch : out)
    if (ch < ' ' || ch == 0x7F) ch = ' ';
  return out;
}

Status Engine::answered() const {
  DSPERSE_TRY(const auto ok, number<std::uint8_t>());
  if (ok == 1) return {};
  DSPERSE_TRY(const std::string why, text());
  return fail(ErrorKind::unsupported, name_ + (version_.empty() ? "" : " " + version_) + " says: " + why);
}

Result<model::Tensor> Engine::tensor() const {
  const auto bad = [&] {
    return fail(ErrorKind::backend, "the engine's process answers with something that is no tensor", name_);
  };
  DSPERSE_TRY(const auto dtype, number<std::uint8_t>());
  DSPERSE_TRY(const auto rank, number<std::uint32_t>());
  if (dtype > 2 || rank > model::kMaxRank) return bad();
  model::Tensor out;
  out.dtype = static_cast<model::DType>(dtype);
  for (std::uint32_t i = 0; i < rank; ++i) {
    DSPERSE_TRY(const auto n, number<std::int64_t>());
    out.shape.push_back(n);
  }
  DSPERSE_TRY(const std::int64_t count, model::element_count(out.shape));
  const auto n = static_cast<std::size_t>(count);
  DSPERSE_TRY(const auto bytes, number<std::uint64_t>());
  if (bytes != n * element_size(out.dtype)) return bad();
  if (out.dtype == model::DType::f32) {
    out.f.resize(n);
    DSPERSE_CHECK_OK(receive(out.f.data(), n * sizeof(float)));
  } else if (out.dtype == model::DType::i64) {
    out.i.resize(n);
    DSPERSE_CHECK_OK(receive(out.i.data(), n * sizeof(std::int64_t)));
  } else {
    Bytes flags(n);
    DSPERSE_CHECK_OK(receive(flags.data(), n));
    out.i.assign(flags.begin(), flags.end());
  }
  return out;
}

Result<std::vector<model::Tensor>> Engine::run(ByteView network, const Inputs& inputs) {
  std::string key(network.begin(), network.end());
  auto at = loaded_.find(key);
  if (at == loaded_.end()) {
    ByteWriter w;
    w.u8('L');
    w.u64(network.size());
    DSPERSE_CHECK_OK(send(w.take()));
    DSPERSE_CHECK_OK(send(network));
    DSPERSE_CHECK_OK(answered());
    at = loaded_.emplace(std::move(key), static_cast<std::uint32_t>(loaded_.size())).first;
  }
  ByteWriter w;
  w.u8('R');
  w.u32(at->second);
  w.u32(static_cast<std::uint32_t>(inputs.size()));
  for (const auto& [name, tensor] : inputs) write_tensor(w, name, *tensor);
  DSPERSE_CHECK_OK(send(w.take()));
  DSPERSE_CHECK_OK(answered());
  DSPERSE_TRY(const auto count, number<std::uint32_t>());
  if (count > kMostOutputs) return fail(ErrorKind::backend, "the engine's process answers with too many tensors", name_);
  std::vector<model::Tensor> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    DSPERSE_TRY(model::Tensor made, tensor());
    out.push_back(std::move(made));
  }
  return out;
}

}  // namespace dsperse::float_engine
