#include "dsperse/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "dsperse/cli/context.h"
#include "dsperse/pipeline/memory.h"

namespace dsperse::cli {
namespace {

constexpr auto kTick = std::chrono::milliseconds(120);

bool environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

void interrupted(int) {
  constexpr std::string_view kText = "\ninterrupted: finished slices are kept; go on with `dsperse prove RUN`\n";
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());
  ::_exit(kInterrupted);
}

}  // namespace

void handle_interrupts() {
  struct sigaction action{};
  action.sa_handler = interrupted;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

Progress::Progress() {
  const char* term = std::getenv("TERM");
  live_ = ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
  colour_ = live_ && !environment("NO_COLOR");
  if (!live_) return;
  ticker_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, kTick, [this] { return stopping_; })) draw();
  });
}

Progress::~Progress() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    clear();
  }
  stop_.notify_all();
  if (ticker_.joinable()) ticker_.join();
}

std::string Progress::mark(const char* colour, const std::string& text) const {
  return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

void Progress::clear() {
  if (drawn_ > 0) to_stderr(Raw{fmt::format("\x1b[{}A\x1b[J", drawn_)});
  drawn_ = 0;
  std::fflush(stderr);
}

void Progress::line(const std::string& text) {
  clear();
  to_stderr(Raw{text + "\n"});
  draw();
}

std::string Progress::live_text(std::uint32_t slice, const Work& work) const {
  const double spent = std::chrono::duration<double>(Clock::now() - work.start).count();
  std::string text = fmt::format("  slice {}/{}  {:<15} {:>8}", slice + 1, work.slices, work.what, seconds_text(spent));
  if (work.predicted_s > 0) {
    const double share = std::min(0.99, spent / work.predicted_s);
    text += fmt::format("  {:>3.0f} %  {} left (predicted)", 100 * share, seconds_text(std::max(0.0, work.predicted_s - spent)));
  }
  return text + fmt::format("  {} memory", bytes_text(pipeline::peak_rss_bytes()));
}

void Progress::draw() {
  if (!live_) return;
  clear();
  for (const auto& [slice, work] : works_) {
    to_stderr(Raw{mark("2", live_text(slice, work)) + "\n"});
    ++drawn_;
  }
  std::fflush(stderr);
}

void Progress::on(const pipeline::Event& e) {
  using Kind = pipeline::Event::Kind;
  const std::scoped_lock lock(mutex_);
  switch (e.kind) {
    case Kind::stage:
      line(visible(e.text));
      break;
    case Kind::note:
      line("note: " + visible(e.text));
      break;
    case Kind::begin:
      works_[e.slice] = {e.text, e.slices, Clock::now(), e.predicted_s};
      draw();
      break;
    case Kind::claimed:
      break;
    case Kind::kept:
      line(fmt::format("slice {}/{}  {}: kept, proved before", e.slice + 1, e.slices, visible(e.text)));
      break;
    case Kind::finished: {
      works_.erase(e.slice);
      std::string text = fmt::format("slice {}/{}  {}: {}", e.slice + 1, e.slices, e.text, seconds_text(e.seconds));
      if (e.bytes != 0) text += fmt::format(", {}", bytes_text(e.bytes));
      line(text);
      break;
    }
  }
}

}  // namespace dsperse::cli
