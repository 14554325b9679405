// Whole files: bounded reads, and writes that are either complete under their final name or not there.
//
// A write goes to a temporary name in the same folder, is synced, renamed, and the folder synced. Secrets are 0600 from the
// first byte on. Not here: what the bytes mean. Tested by store/disk/file_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsperse/base/bytes.h"
#include "dsperse/base/result.h"

namespace dsperse::store {

/// Who may read what is written.
enum class Access : std::uint8_t {
  shared,  ///< 0644, folders 0755 (less the umask)
  secret,  ///< 0600, folders 0700
};

/// Names of unfinished writes begin with this.
inline constexpr const char* kTemporaryPrefix = ".dsperse-tmp-";

/// The whole file; "-" is standard input. Errors: bad_input when it cannot be read or is no regular file, resource beyond
/// `limit`.
[[nodiscard]] Result<Bytes> read_file(const std::string& path, std::uint64_t limit);
/// Size of a regular file.
[[nodiscard]] Result<std::uint64_t> file_size(const std::string& path);
/// Bytes [offset, offset + size). Errors: bad_input when the file ends before.
[[nodiscard]] Result<Bytes> read_part(const std::string& path, std::uint64_t offset, std::size_t size);
[[nodiscard]] Status write_file(const std::string& path, ByteView bytes, Access access);
[[nodiscard]] Status write_file(const std::string& path, const std::string& text, Access access);
/// The folder and its parents; an existing one keeps its mode.
[[nodiscard]] Status make_folder(const std::string& path, Access access);
/// Makes names that came into or left the folder survive a crash of the machine.
[[nodiscard]] Status sync_folder(const std::string& folder);
/// Regular files of a folder by name, sorted, unfinished writes left out.
[[nodiscard]] Result<std::vector<std::string>> list_files(const std::string& folder);
/// Removes unfinished writes that a crash left. Only where no other process writes.
void remove_unfinished(const std::string& folder);

bool exists(const std::string& path);
/// parent/name.
std::string join(const std::string& folder, const std::string& name);
/// File name without folder and last extension: "a/lenet5.onnx" -> "lenet5".
std::string stem(const std::string& path);

}  // namespace dsperse::store
