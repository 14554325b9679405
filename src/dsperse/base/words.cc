#include "dsperse/base/words.h"

#include <cstring>
#include <utility>

#include "dsperse/base/blocks.h"

namespace dsperse {

Words::Words(std::size_t words) : Words(words, false) {}

Words::Words(std::size_t words, bool zero) : bytes_((words * sizeof(std::uint64_t) + 63) / 64 * 64) {
  if (bytes_ == 0) return;
  const Block block = take_block(bytes_);
  data_ = static_cast<std::uint64_t*>(block.data);
  if (zero && !block.zero) std::memset(data_, 0, bytes_);
}

Words::Words(Words&& o) noexcept : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}

Words& Words::operator=(Words&& o) noexcept {
  std::swap(data_, o.data_);
  std::swap(bytes_, o.bytes_);
  return *this;
}

Words::~Words() {
  if (bytes_ != 0) give_block(data_, bytes_);
}

}  // namespace dsperse
