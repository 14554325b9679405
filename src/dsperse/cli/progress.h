// Progress on stderr. On a terminal one live line per slice in work (stage, percent and time left as predicted, memory in use);
// otherwise one plain line per finished step. NO_COLOR and TERM=dumb are kept.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "dsperse/pipeline/progress.h"

namespace dsperse::cli {

class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  void on(const pipeline::Event& event);

 private:
  using Clock = std::chrono::steady_clock;
  struct Work {
    std::string what;
    std::uint32_t slices = 0;
    Clock::time_point start;
    double predicted_s = 0;
  };
  void line(const std::string& text);
  void clear();
  void draw();
  [[nodiscard]] std::string live_text(std::uint32_t slice, const Work& work) const;
  [[nodiscard]] std::string mark(const char* colour, const std::string& text) const;

  bool live_ = false, colour_ = false;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::map<std::uint32_t, Work> works_;
  std::size_t drawn_ = 0;  ///< live lines on the screen
  std::thread ticker_;
};

/// Ctrl-C: says that the run can go on later and ends with 130. Whatever is finished is on disk by then.
void handle_interrupts();

}  // namespace dsperse::cli
