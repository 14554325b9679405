#include "dsperse/base/random.h"

#include <sys/random.h>

#include <cerrno>

namespace dsperse {

Status os_random(std::span<std::uint8_t> out) {
  std::size_t at = 0;
  while (at < out.size()) {
    const auto got = getrandom(out.data() + at, out.size() - at, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(ErrorKind::internal, "the operating system gives no randomness", "getrandom");
    at += static_cast<std::size_t>(got);
  }
  return {};
}

Result<Digest> random_seed() {
  Digest seed;
  DSPERSE_CHECK_OK(os_random(seed));
  return seed;
}

}  // namespace dsperse
