// make_vectors FOLDER: writes the known-answer vectors there. They change only with the protocol; a change is a new version.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "vectors.h"

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::cerr << "usage: make_vectors FOLDER (tests/vectors of the source tree, to pin what the code says now)\n";
    return 2;
  }
  for (const auto& [name, bytes] : dsperse::vectors::all_files()) {
    std::ofstream out(std::filesystem::path(argv[1]) / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) {
      std::cerr << "cannot write " << name << "\n";
      return 5;
    }
    std::cout << name << " " << bytes.size() << "\n";
  }
  return 0;
}
