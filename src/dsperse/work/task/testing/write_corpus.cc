// Writes the kept corpus of task_fuzz anew, by hand, after a change of a format:
//   build/release/src/dsperse/work/task/write_task_corpus src/dsperse/work/task/testdata/tasks
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dsperse/work/task/testing/sample.h"

int main(int argc, char** argv) {
  using namespace dsperse;
  using namespace dsperse::work;
  if (argc != 2) return std::fprintf(stderr, "usage: write_task_corpus src/dsperse/work/task/testdata/tasks\n"), 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const auto write = [&](const char* name, const Bytes& bytes) {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  };
  write("run.bin", encode_task(testing::sample_task()));
  write("prove.bin", encode_task(testing::sample_task(true)));
  write("open.bin", encode_task(OpenTask{testing::named("job")}));
  write("committed.bin", encode_answer(Committed{testing::named("commitment")}));
  write("opened.bin", encode_answer(testing::sample_opened()));
  write("proved.bin", encode_answer(testing::sample_proved()));
  return 0;
}
