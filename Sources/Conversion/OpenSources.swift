import Files
import Tensors
import WeightSources

/// Opens files that are to be compared.
///
/// - Parameter dictionary: which dictionary is taken of those that are PyTorch checkpoints.
/// - Throws: `InputError` where a file cannot be read, or where none of them has dictionaries.
func openSources(_ paths: [String], _ dictionary: String?) throws -> [any WeightSource] {
  var sources: [any WeightSource] = []
  for path in paths {
    sources.append(
      try WeightFile.open(path, dictionary: dictionary, isOptional: true, copying: false))
  }
  guard dictionary == nil || sources.contains(where: { $0 is TorchSource }) else {
    throw InputError(
      .badData, path: paths[0], "has no dictionaries to choose from",
      place: "--dictionary is for PyTorch checkpoints")
  }
  return sources
}
