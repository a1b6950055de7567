#if FUZZ_IMAGE
  import Images
#elseif FUZZ_KERAS_GRAPH
  import SourceGraph
#else
  import WeightSources
#endif

// The package builds every program with an entry point of its own name; each of these starts the fuzzer.

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// What the fuzzer calls with every input.
///
/// A reader may refuse an input with an error; anything else that ends the process is a finding.
private func target(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  #if FUZZ_PICKLE
    FuzzEntries.pickle(bytes)
  #elseif FUZZ_HDF5_TABLE
    FuzzEntries.hdf5Table(bytes)
  #elseif FUZZ_IMAGE
    ImageFile.readForFuzzing(bytes)
  #elseif FUZZ_ONNX
    FuzzEntries.onnx(bytes)
  #elseif FUZZ_KERAS_GRAPH
    FuzzEntry.configuration(bytes)
  #else
    FuzzEntries.file(bytes)
  #endif
  return 0
}

private func start() -> CInt {
  var count = CommandLine.argc
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
  return runFuzzer(&count, &arguments, target)
}

#if FUZZ_PICKLE
  @_cdecl("fuzz_pickle_main")
  func main() -> CInt { start() }
#elseif FUZZ_IMAGE
  @_cdecl("fuzz_image_main")
  func main() -> CInt { start() }
#elseif FUZZ_HDF5_TABLE
  @_cdecl("fuzz_hdf5_table_main")
  func main() -> CInt { start() }
#elseif FUZZ_ONNX
  @_cdecl("fuzz_onnx_main")
  func main() -> CInt { start() }
#elseif FUZZ_KERAS_GRAPH
  @_cdecl("fuzz_keras_graph_main")
  func main() -> CInt { start() }
#else
  @_cdecl("fuzz_file_main")
  func main() -> CInt { start() }
#endif
