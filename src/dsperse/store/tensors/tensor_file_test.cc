// Golden files were written by NumPy (npy, npz) and by hand; damaged ones must be errors, never crashes.
#include "dsperse/store/tensors/tensor_file.h"

#include <gtest/gtest.h>
#include <png.h>

#include <random>

namespace dsperse::store {
namespace {

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Bytes unhex(std::string_view text) {
  Bytes out;
  EXPECT_TRUE(from_hex(text, out));
  return out;
}

// numpy.savez(f, a=numpy.arange(6, dtype='<f4').reshape(2, 3), b=numpy.array([1, 2], dtype='<i8')), stored and compressed.
#include "dsperse/store/tensors/testdata/npz.inc"

std::vector<FileTensor> good(ByteView bytes) {
  auto out = parse_tensors(bytes, "test");
  EXPECT_TRUE(out) << out.error().text();
  return out ? std::move(*out) : std::vector<FileTensor>(1);
}

TEST(TensorFile, NpyRoundTrip) {
  const auto t = good(encode_npy({2, 3}, {0, 1, 2, 3, 4, -5.5F}));
  ASSERT_EQ(t.size(), 1U);
  EXPECT_EQ(t[0].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(t[0].values.back(), -5.5F);
  EXPECT_EQ(good(encode_npy({}, {7}))[0].values, std::vector<float>{7});
}

TEST(TensorFile, NpzStoredAndDeflated) {
  for (const auto text : {kStoredNpz, kDeflatedNpz}) {
    const auto t = good(unhex(text));
    ASSERT_EQ(t.size(), 2U);
    EXPECT_EQ(t[0].name, "a");
    EXPECT_EQ(t[0].shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(t[0].values, (std::vector<float>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(t[1].name, "b");
    EXPECT_EQ(t[1].values, (std::vector<float>{1, 2}));
  }
}

TEST(TensorFile, Json) {
  EXPECT_EQ(good(bytes_of("[1, 2.5, -3]"))[0].values, (std::vector<float>{1, 2.5F, -3}));
  const auto t = good(bytes_of(R"({"x": [[1, 2], [3, 4]], "y": 5})"));
  ASSERT_EQ(t.size(), 2U);
  EXPECT_EQ(t[0].shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(t[1].shape, (std::vector<std::int64_t>{}));
  EXPECT_EQ(t[1].values, std::vector<float>{5});
}

TEST(TensorFile, JsonFaults) {
  for (const char* text : {"", "[1, ", "[[1, 2], [3]]", "[[1], 2]", "[\"a\"]", "{\"x\": {\"y\": 1}}", "3", "[1e999]", "[1e39]",
                           "[16777217]", "{}", "[[[[[[[[[1]]]]]]]]]", "[null]", "[true]"})
    EXPECT_FALSE(parse_tensors(bytes_of(text), "test")) << text;
}

TEST(TensorFile, Pgm) {
  const auto binary = good(bytes_of(std::string_view("P5 # a comment\n2 1\n255\n\x00\xff", 25)));
  EXPECT_TRUE(binary[0].image);
  EXPECT_EQ(binary[0].shape, (std::vector<std::int64_t>{1, 1, 2}));
  EXPECT_EQ(binary[0].values, (std::vector<float>{0, 255}));
  EXPECT_EQ(good(bytes_of("P2 2 1 255 3 4"))[0].values, (std::vector<float>{3, 4}));
  for (const char* text :
       {"P5", "P5 2 1 255\n", "P5 2 1 65535\nabcd", "P5 99999 1 255\n", "P2 2 1 255 3", "P2 2 1 255 3 256", "P5 0 1 255\n"})
    EXPECT_FALSE(parse_tensors(bytes_of(text), "test")) << text;
}

Bytes png(std::uint32_t format, const Bytes& pixels, std::uint32_t width, std::uint32_t height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width, image.height = height, image.format = format;
  png_alloc_size_t size = 0;
  EXPECT_NE(png_image_write_get_memory_size(image, size, 0, pixels.data(), 0, nullptr), 0);
  Bytes out(size);
  EXPECT_NE(png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr), 0);
  out.resize(size);
  return out;
}

TEST(TensorFile, PngGrayAndColourArePlanar) {
  const auto gray = good(png(PNG_FORMAT_GRAY, {1, 2, 3, 4, 5, 6}, 3, 2));
  EXPECT_EQ(gray[0].shape, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(gray[0].values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  const auto rgb = good(png(PNG_FORMAT_RGB, {1, 2, 3, 4, 5, 6}, 2, 1));
  EXPECT_EQ(rgb[0].shape, (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_EQ(rgb[0].values, (std::vector<float>{1, 4, 2, 5, 3, 6}));
  const auto alpha = parse_tensors(png(PNG_FORMAT_RGBA, {1, 2, 3, 4}, 1, 1), "test");
  ASSERT_FALSE(alpha);
  EXPECT_EQ(alpha.error().kind, ErrorKind::unsupported);
}

TEST(TensorFile, NpyFaults) {
  const auto npy = [](const std::string& dict, std::size_t data) {
    std::string s("\x93NUMPY\x01\x00", 8);
    s += static_cast<char>(dict.size());
    s += static_cast<char>(dict.size() >> 8);
    return bytes_of(s + dict + std::string(data, '\0'));
  };
  EXPECT_TRUE(parse_tensors(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }", 8), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", 8), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", 8), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8), "test"));
  EXPECT_FALSE(parse_tensors(npy("{'descr': '<f4'", 8), "test"));
  Bytes nan = encode_npy({1}, {0});
  nan[nan.size() - 1] = 0x7f, nan[nan.size() - 2] = 0xc0;
  EXPECT_FALSE(parse_tensors(nan, "test"));
}

TEST(TensorFile, TruncatedAndDamagedFilesNeverCrash) {
  std::mt19937_64 rng(1);
  for (const Bytes& file : {encode_npy({2, 3}, {0, 1, 2, 3, 4, 5}), unhex(kStoredNpz), unhex(kDeflatedNpz),
                            png(PNG_FORMAT_GRAY, {1, 2, 3, 4, 5, 6}, 3, 2), bytes_of("P2 2 1 255 3 4")}) {
    for (std::size_t n = 0; n + 1 < file.size(); ++n) (void)parse_tensors(ByteView(file).first(n), "test");
    for (int i = 0; i < 3000; ++i) {
      Bytes damaged = file;
      damaged[rng() % file.size()] = static_cast<std::uint8_t>(rng());
      (void)parse_tensors(damaged, "test");
    }
  }
  // A single flipped bit in the data of an archive is caught by its checksum.
  Bytes npz = unhex(kStoredNpz);
  npz[200] ^= 1;
  EXPECT_FALSE(parse_tensors(npz, "test"));
}

}  // namespace
}  // namespace dsperse::store
