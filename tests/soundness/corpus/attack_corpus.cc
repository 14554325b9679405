// attack_corpus FOLDER: fills the folder with keys, certificates, expectations and manifest.json (README.md). Not shipped.
#include <iostream>

#include "cases.h"

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::cerr << "usage: attack_corpus FOLDER (an existing folder; files in it are replaced)\n";
    return 2;
  }
  dsperse::soundness::Corpus out(argv[1]);
  dsperse::soundness::add_honest(out);
  dsperse::soundness::add_rules(out);
  dsperse::soundness::add_setup(out);
  dsperse::soundness::add_forged(out);
  dsperse::soundness::add_rows(out);
  dsperse::soundness::add_row_keys(out);
  dsperse::soundness::add_bytes(out);
  return out.finish() ? 0 : 1;
}
