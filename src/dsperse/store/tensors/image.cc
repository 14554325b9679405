// PNG (libpng) and PGM images as (C, H, W) tensors of pixels 0..255. Refused rather than guessed: alpha, 16 bits.
#include <png.h>

#include <charconv>
#include <optional>

#include "dsperse/store/tensors/formats.h"

namespace dsperse::store {
namespace {

constexpr std::uint32_t kMaxSide = 1U << 14;
/// A deflate stream cannot shrink its data by more than about 1032 times.
constexpr std::uint64_t kMaxDeflateRatio = 1100;

/// The header claims no more pixels than the file's bytes can unpack to: asked before they are allocated.
bool png_plausible(ByteView bytes) {
  constexpr std::size_t kDepth = 24, kHeader = 26;
  if (bytes.size() < kHeader) return false;
  const auto big_endian = [&](std::size_t at) {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | bytes[at + i];
    return n;
  };
  // Gray and palettes have one channel, colour at least three; interlaced rows are no shorter than these.
  const std::uint64_t channels = (bytes[kDepth + 1] & 3) == 2 ? 3 : 1;
  return big_endian(20) * ((big_endian(16) * bytes[kDepth] * channels + 7) / 8) / kMaxDeflateRatio <= bytes.size();
}

/// (H, W, C) bytes to (C, H, W) floats.
FileTensor planes(ByteView pixels, std::int64_t height, std::int64_t width, std::int64_t channels) {
  FileTensor out{{}, {channels, height, width}, std::vector<float>(pixels.size()), true};
  const auto area = static_cast<std::size_t>(height * width), c = static_cast<std::size_t>(channels);
  for (std::size_t p = 0; p < area; ++p)
    for (std::size_t k = 0; k < c; ++k) out.values[k * area + p] = static_cast<float>(pixels[p * c + k]);
  return out;
}

}  // namespace

Result<FileTensor> parse_png(ByteView bytes, const std::string& where) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto bad = [&] {
    const std::string message = image.message;
    png_image_free(&image);
    return fail(ErrorKind::bad_input, "PNG: " + message, where);
  };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) return bad();
  if (image.width > kMaxSide || image.height > kMaxSide) {
    png_image_free(&image);
    return fail(ErrorKind::resource, "PNG: larger than 16384 pixels a side", where);
  }
  if ((image.format & (PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_LINEAR)) != 0) {
    png_image_free(&image);
    return fail(ErrorKind::unsupported, "PNG: alpha or 16 bits a channel", where, "convert it to 8 bits, gray or RGB");
  }
  const bool colour = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  if (!png_plausible(bytes)) {
    png_image_free(&image);
    return fail(ErrorKind::bad_input, "PNG: the file is too short for its size in pixels", where);
  }
  Bytes pixels(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) == 0) return bad();
  return planes(pixels, image.height, image.width, colour ? 3 : 1);
}

Result<FileTensor> parse_pgm(ByteView bytes, const std::string& where) {
  const auto bad = [&](const std::string& what) { return fail(ErrorKind::bad_input, "PGM: " + what, where); };
  const bool binary = bytes[1] == '5';
  std::size_t at = 2;
  const auto number = [&]() -> std::optional<std::uint32_t> {
    while (at < bytes.size() && (bytes[at] == ' ' || (bytes[at] >= '\t' && bytes[at] <= '\r') || bytes[at] == '#')) {
      if (bytes[at] == '#')
        while (at < bytes.size() && bytes[at] != '\n') ++at;
      else
        ++at;
    }
    std::uint32_t n = 0;
    const auto* begin = reinterpret_cast<const char*>(bytes.data()) + at;
    const auto [stop, error] = std::from_chars(begin, reinterpret_cast<const char*>(bytes.data()) + bytes.size(), n);
    if (error != std::errc{}) return std::nullopt;
    at += static_cast<std::size_t>(stop - begin);
    return n;
  };
  const auto width = number(), height = number(), top = number();
  if (!width || !height || !top || *width == 0 || *height == 0) return bad("header");
  if (*width > kMaxSide || *height > kMaxSide) return fail(ErrorKind::resource, "PGM: larger than 16384 pixels a side", where);
  if (*top != 255) return fail(ErrorKind::unsupported, "PGM: maximum value other than 255", where);
  const std::size_t area = std::size_t{*width} * *height;
  Bytes pixels;
  if (binary) {
    if (bytes.size() - at != area + 1) return bad("pixels do not fit the size");
    pixels.assign(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 1, bytes.end());
  } else {
    if (bytes.size() < area) return bad("pixels do not fit the size");
    for (std::size_t i = 0; i < area; ++i) {
      const auto x = number();
      if (!x || *x > 255) return bad("pixel");
      pixels.push_back(static_cast<std::uint8_t>(*x));
    }
  }
  return planes(pixels, *height, *width, 1);
}

}  // namespace dsperse::store
