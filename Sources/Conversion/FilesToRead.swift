package import Files
import Tensors
import WeightSources

/// The files that will be read of what arguments name, so that an output that would replace one is refused before anything
/// is computed; none where the output's place is free.
///
/// Of a model these are all of its files, of a folder of inputs all that are in it. What is not foreseen here is refused
/// later, when the output is to get its name: `ReadFiles`.
package func filesRead(by paths: [String?], before output: String) -> [FileIdentity] {
  guard FileStamp(path: output) != nil else { return [] }
  return paths.compactMap { $0 }.flatMap { path in
    let own = [FileStamp(path: path)?.identity].compactMap { $0 }
    if let source = try? WeightFile.open(path) {
      return own + source.files.map(\.file.identity)
    }
    let inputs = (try? InputFolder.files(at: path)) ?? []
    return own + inputs.compactMap { FileStamp(path: $0.path)?.identity }
  }
}
