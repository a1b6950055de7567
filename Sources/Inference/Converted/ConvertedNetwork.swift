package import Files
package import RNW
package import ResNetV2
import Tensors
import Threads

/// The network that a `.rnw` describes, and whose tensors it holds.
///
/// The one way from a `.rnw` to a network: for the command line, Swift programs and the library for C.
package struct ConvertedNetwork: Sendable {
  /// The file.
  package let file: RNWFile

  /// The network.
  package let graph: Graph

  /// Takes a file for what it describes.
  ///
  /// - Throws: `InputError` where the file describes no possible network, or holds other tensors than the network's.
  package init(_ file: RNWFile) throws(InputError) {
    try self.init(file, configuration: Self.configuration(of: file))
  }

  /// Takes a file for a network of a configuration, compared with the file's tensors before one of them is read: what
  /// is too large for the network is too large for the memory as well.
  ///
  /// - Throws: `InputError` where that is no possible network, or the file holds other tensors than the network's.
  package init(_ file: RNWFile, configuration: Configuration) throws(InputError) {
    self.file = file
    do {
      graph = try Graph(configuration)
    } catch {
      throw InputError(
        .badData, path: file.path, "describes an impossible network", place: error.description)
    }
    do {
      try graph.checkParameters(file.tensors) { file.hasScales(tensorNamed: $0) }
    } catch {
      throw Self.misfit(error, in: file)
    }
  }

  /// The configuration that a file describes.
  ///
  /// - Throws: `InputError` where there is none, or one that files of this version cannot express.
  package static func configuration(of file: RNWFile) throws(InputError) -> Configuration {
    let configuration = try file.configuration(as: Configuration.self)
    guard configuration.formatMajor <= file.formatMajor else {
      throw InputError(
        .badData, path: file.path, "describes a network of a newer version than its own",
        place: "rnw.version \(file.formatMajor), the network needs \(configuration.formatMajor)")
    }
    return configuration
  }

  /// Reads all parameters and compares them with their checksums.
  ///
  /// - Throws: `InputError` where a tensor is damaged.
  package func parameters(threads: Int) throws(InputError) -> Parameters {
    let file = file
    let largestFirst = graph.parameters.sorted { $0.shape.elementCount > $1.shape.elementCount }
    let tensors = try InputError.only(of: file.path) {
      try concurrentMap(largestFirst, threads: threads) { parameter in
        (parameter.name, try file.tensor(named: parameter.name))
      }
    }
    do {
      return try Parameters(Dictionary(tensors) { first, _ in first }, for: graph)
    } catch {
      throw Self.misfit(error, in: file)
    }
  }

  private static func misfit(_ error: ParametersError, in file: RNWFile) -> InputError {
    InputError(
      .badData, path: file.path, "does not hold the network that it describes",
      place: error.description, reason: .otherNetwork)
  }
}
