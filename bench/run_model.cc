// dsperse_run_model MODEL.onnx [THREADS]: the integer run of a model in this process, on command, so that a script can alternate
// it with another runtime (bench/run_peers.py).
//
// Lines read: "run N" answers with the seconds of N runs; "ops N" with a JSON list of each op's least seconds over N runs;
// "quantize N" with the seconds of N input quantizations; the end of input ends it. The first line written tells what loading
// and preparing cost. Calibrated on made-up samples; the input is one of them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "dsperse/base/cpu.h"
#include "dsperse/base/parallel.h"
#include "dsperse/ops/lower.h"
#include "dsperse/pipeline/import.h"
#include "dsperse/run/integer.h"

namespace dsperse::bench {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Ready {
  quantize::QuantizedModel model;
  quantize::Sample sample;
};

Result<Ready> prepare(const std::string& path) {
  pipeline::ImportRequest request;
  request.model_path = path;
  request.calibration = "default";
  DSPERSE_TRY(const model::Graph graph, pipeline::load_model(request));
  DSPERSE_TRY(pipeline::Calibration calibration, pipeline::load_calibration(request, graph));
  calibration.samples.resize(4);  // times do not depend on how well the ranges fit
  DSPERSE_TRY(quantize::QuantizedModel model, pipeline::quantize_graph(graph, calibration, request));
  return Ready{std::move(model), std::move(calibration.samples[0])};
}

/// The sample as integers; preprocessing of images is done already.
Status set_inputs(const Ready& ready, quantize::TensorStore& trace) {
  for (std::size_t k = 0; k < ready.model.inputs.size(); ++k) {
    quantize::IoMapping io = ready.model.inputs[k];
    io.scale.clear(), io.bias.clear();
    const quantize::TensorId id = ready.model.program.inputs[k];
    const model::Tensor& x = ready.sample.at(io.name);
    const std::vector<float> reals = x.dtype == model::DType::f32 ? x.f : std::vector<float>(x.i.begin(), x.i.end());
    DSPERSE_TRY(quantize::QuantizedInput in, quantize::quantize_input(io, ready.model.program.tensors[id], reals));
    trace[id] = std::move(in.values);
  }
  return {};
}

template <class F>
Status repeat(unsigned n, F f) {
  std::string line;
  for (unsigned i = 0; i < n; ++i) {
    const auto start = Clock::now();
    DSPERSE_CHECK_OK(f());
    line += (i == 0 ? "" : " ") + std::to_string(1e6 * since(start));
  }
  std::printf("%s\n", line.c_str());
  return {};
}

Status print_ops(const Ready& ready, const run::IntegerRunner& runner, quantize::TensorStore& trace, unsigned n) {
  const quantize::Program& p = ready.model.program;
  std::vector<double> least(p.ops.size(), 1e9);
  for (unsigned i = 0; i < n; ++i) {
    run::RunStats stats;
    DSPERSE_CHECK_OK(runner.run(trace, &stats));
    for (std::size_t k = 0; k < least.size(); ++k) least[k] = std::min(least[k], stats.ops[k].seconds);
  }
  std::string text = "[";
  for (std::size_t k = 0; k < least.size(); ++k) {
    std::string shape;
    for (const std::int64_t d : p.tensors[quantize::op_output(p.ops[k])].shape)
      shape += (shape.empty() ? "" : "x") + std::to_string(d);
    text += std::string(k == 0 ? "" : ", ") + R"({"op": ")" + p.ops[k].name + R"(", "type": ")" + p.ops[k].onnx_type +
            R"(", "out": ")" + shape + R"(", "us": )" + std::to_string(1e6 * least[k]) + R"(, "macs": )" +
            std::to_string(quantize::op_macs(p, p.ops[k])) + "}";
  }
  std::printf("%s]\n", text.c_str());
  return {};
}

Status serve(const std::string& path) {
  auto start = Clock::now();
  DSPERSE_TRY(const Ready ready, prepare(path));
  const double import_s = since(start);
  start = Clock::now();
  DSPERSE_TRY(const run::IntegerRunner runner, run::IntegerRunner::create(ready.model.program, ready.model.weights));
  quantize::TensorStore trace(ready.model.program.tensors.size());
  DSPERSE_CHECK_OK(set_inputs(ready, trace));
  std::uint64_t macs = 0;
  for (const quantize::Op& op : ready.model.program.ops) macs += quantize::op_macs(ready.model.program, op);
  std::printf(R"({"import_s": %.3f, "prepare_s": %.3f, "macs": %llu, "kernel": "%s"})"
              "\n",
              import_s, since(start), static_cast<unsigned long long>(macs), kernel_name(kernel()));
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line); std::fflush(stdout)) {
    std::istringstream words(line);
    std::string what;
    unsigned n = 0;
    words >> what >> n;
    if (what == "run")
      DSPERSE_CHECK_OK(repeat(n, [&] { return runner.run(trace); }));
    else if (what == "quantize")
      DSPERSE_CHECK_OK(repeat(n, [&] { return set_inputs(ready, trace); }));
    else if (what == "ops")
      DSPERSE_CHECK_OK(print_ops(ready, runner, trace, n));
    else
      return fail(ErrorKind::usage, "not understood: " + line, {}, "say: run N, ops N or quantize N");
  }
  return {};
}

}  // namespace
}  // namespace dsperse::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: dsperse_run_model MODEL.onnx [THREADS]\n");
    return 2;
  }
  dsperse::set_threads(argc > 2 ? static_cast<std::size_t>(std::max(1, std::atoi(argv[2]))) : 1);
  if (const dsperse::Status done = dsperse::bench::serve(argv[1]); !done) {
    std::fprintf(stderr, "%s\n", done.error().text().c_str());
    return 1;
  }
  return 0;
}
