# Toolchain: WebAssembly with Debian's clang 19, wasi-libc and libc++. Used by the preset `wasm`; packages: tools/setup.sh wasm.
# The system is "Generic" because this CMake knows no WASI; nothing of WASI is imported in the end (src/dsperse/wasm).
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET wasm32-wasi)
endforeach()
# Bulk memory and sign extension are in every engine since 2020 and make copies and decoding small.
set(CMAKE_C_FLAGS_INIT "-mbulk-memory -msign-ext")
set(CMAKE_CXX_FLAGS_INIT "-mbulk-memory -msign-ext -fno-exceptions -fno-rtti")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY NEVER)
