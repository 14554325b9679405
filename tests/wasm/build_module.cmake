# Configures and builds the preset `wasm` of the source tree SOURCE; a test, so that others can depend on the module.
foreach(step "--preset;wasm" "--build;--preset;wasm")
  execute_process(COMMAND ${CMAKE_COMMAND} ${step} WORKING_DIRECTORY ${SOURCE} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
