package import Families
import Inference
import Tensors

/// What a network is run on, as it stands on the command line.
package enum InputArgument: Hashable, Sendable {
  /// A file or a folder of files: `.npy`, `.npz` with an array `input` or only one array, PNG or JPEG.
  ///
  /// Images are resized by the filter, by the family's own where it is `nil`.
  case path(String, filter: Preprocessing.Resize.Filter? = nil)
  /// So many images of the probe of a seed, in the range that the network's own adjustment of its input expects.
  case probe(seed: UInt64, count: Int)

  /// The file or folder that is read, if any.
  package var path: String? {
    guard case .path(let path, _) = self else { return nil }
    return path
  }

  /// The most images that a probe may have.
  private static let maximumProbeImages = 4096

  /// The input that is used where none is given.
  package static let standardProbe = InputArgument.probe(seed: standardSeed, count: 1)

  /// The seed of that input.
  package static let standardSeed: UInt64 = 1

  /// Reads `probe:SEED`, `probe:SEED:COUNT` or a path; `nil` for a malformed probe.
  package init?(_ argument: String, filter: Preprocessing.Resize.Filter? = nil) {
    guard argument.hasPrefix("probe:") else {
      self = .path(argument, filter: filter)
      return
    }
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).dropFirst()
    guard parts.count <= 2, let first = parts.first, let seed = UInt64(first) else { return nil }
    var count = 1
    if let text = parts.dropFirst().first {
      guard let number = Int(text), (1...Self.maximumProbeImages).contains(number) else {
        return nil
      }
      count = number
    }
    self = .probe(seed: seed, count: count)
  }
}
