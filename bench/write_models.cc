// dsperse_models FOLDER [NAME...]: writes benchmark models as ONNX files.
#include <cstdio>

#include "bench/models.h"
#include "dsperse/model/onnx/write.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: dsperse_models FOLDER [NAME...]\n");
    return 2;
  }
  std::vector<std::string> names(argv + 2, argv + argc);
  if (names.empty()) names = dsperse::bench::model_names();
  for (const std::string& name : names) {
    const auto graph = dsperse::bench::make_model(name);
    const dsperse::Status done = graph ? dsperse::model::write_onnx(*graph, std::string(argv[1]) + "/" + name + ".onnx")
                                       : dsperse::Status(std::unexpected(graph.error()));
    if (!done) {
      std::fprintf(stderr, "%s\n", done.error().text().c_str());
      return 1;
    }
    std::printf("%s/%s.onnx\n", argv[1], name.c_str());
  }
  return 0;
}
