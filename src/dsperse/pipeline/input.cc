#include "dsperse/pipeline/input.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsperse::pipeline {
namespace {

using quantize::IoMapping;
using quantize::Shape;
using store::FileTensor;

std::string shape_text(const Shape& shape) {
  std::string out;
  for (const std::int64_t n : shape) out.append(out.empty() ? "" : "x").append(std::to_string(n));
  return out.empty() ? "scalar" : out;
}

Shape without_unit_axes(const Shape& shape) {
  Shape out;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(out), [](std::int64_t n) { return n != 1; });
  return out;
}

std::unexpected<Error> wrong_shape(const IoMapping& io, const FileTensor& file) {
  return fail(ErrorKind::bad_input,
              fmt::format("{} of shape {} where the model takes {}", file.image ? "image (channels, height, width)" : "tensor",
                          shape_text(file.shape), shape_text(io.logical_shape)),
              io.name, file.image ? "resize or convert the image" : "give one sample in the model's shape");
}

/// Pixels (C, H, W) in the axis order of the input: (.., C, H, W), (.., H, W, C), or flat for one channel.
std::optional<std::vector<float>> pixels_in_order(const IoMapping& io, const FileTensor& file) {
  Shape logical = io.logical_shape;
  while (logical.size() > 3 && logical.front() == 1) logical.erase(logical.begin());
  const std::int64_t c = file.shape[0], h = file.shape[1], w = file.shape[2];
  if (logical == Shape{c, h, w}) return file.values;
  if (logical == Shape{h, w, c}) {
    std::vector<float> out(file.values.size());
    const auto area = static_cast<std::size_t>(h * w), channels = static_cast<std::size_t>(c);
    for (std::size_t k = 0; k < channels; ++k)
      for (std::size_t p = 0; p < area; ++p) out[p * channels + k] = file.values[k * area + p];
    return out;
  }
  const Shape core = without_unit_axes(logical);
  if (c == 1 && (core == without_unit_axes({h, w}) || core == Shape{h * w})) return file.values;
  return std::nullopt;
}

}  // namespace

bool is_image_shape(const Shape& logical) {
  const bool batched = logical.size() == 4 && logical[0] == 1;
  if (!batched && logical.size() != 3) return false;
  const std::int64_t c = logical[batched ? 1 : 0];
  return c == 1 || c == 3;
}

Result<std::vector<float>> real_values(const IoMapping& io, const FileTensor& file) {
  if (!file.image) {
    // A flat list fits any shape; otherwise axes of size 1 may be missing or extra.
    const bool flat = file.shape.size() == 1 && file.shape[0] == quantize::elements(io.logical_shape);
    if (!flat && without_unit_axes(file.shape) != without_unit_axes(io.logical_shape)) return wrong_shape(io, file);
    return file.values;
  }
  auto pixels = pixels_in_order(io, file);
  if (!pixels) return wrong_shape(io, file);
  // Channel of element i: axis 1 of the ONNX shape (one channel has one factor anyway).
  std::size_t block = 1;
  for (std::size_t k = 2; k < io.logical_shape.size(); ++k) block *= static_cast<std::size_t>(io.logical_shape[k]);
  const std::vector<float> scale = io.scale.empty() ? std::vector<float>{1.0F / 255.0F} : io.scale;
  const std::vector<float> bias = io.bias.empty() ? std::vector<float>{0.0F} : io.bias;
  for (std::size_t i = 0; i < pixels->size(); ++i)
    (*pixels)[i] = (*pixels)[i] * scale[i / block % scale.size()] + bias[i / block % bias.size()];
  return std::move(*pixels);
}

std::vector<std::pair<IoMapping, quantize::TensorSpec>> key_inputs(const proof::ModelKey& key) {
  std::vector<std::pair<IoMapping, quantize::TensorSpec>> out;
  for (const proof::Edge& e : key.edges)
    if (e.is_input) out.emplace_back(*e.io, edge_spec(key, e));
  return out;
}

Result<QuantizedInputs> quantize_inputs(const std::vector<std::pair<IoMapping, quantize::TensorSpec>>& inputs,
                                        const std::vector<FileTensor>& files) {
  QuantizedInputs out;
  std::vector<bool> used(files.size(), false);
  for (const auto& [io, spec] : inputs) {
    const FileTensor* file = nullptr;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].name != io.name && !(files[i].name.empty() && inputs.size() == 1)) continue;
      if (file != nullptr) return fail(ErrorKind::bad_input, "input given twice", io.name);
      file = &files[i];
      used[i] = true;
    }
    if (file == nullptr)
      return fail(ErrorKind::bad_input, "input not given", io.name,
                  "name the tensors as the model does (NAME=FILE, .npz or JSON)");
    DSPERSE_TRY(const std::vector<float> real, real_values(io, *file));
    IoMapping plain = io;  // preprocessing is done: what remains is layout and rounding
    plain.scale.clear();
    plain.bias.clear();
    DSPERSE_TRY(quantize::QuantizedInput q, quantize::quantize_input(plain, spec, real));
    out.tensors[io.name] = std::move(q.values);
    out.clamped[io.name] = q.clamped;
  }
  for (std::size_t i = 0; i < files.size(); ++i)
    if (!used[i])
      return fail(ErrorKind::bad_input, "the model has no such input", files[i].name.empty() ? "(unnamed)" : files[i].name);
  return out;
}

}  // namespace dsperse::pipeline
