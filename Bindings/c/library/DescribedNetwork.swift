import RNW
import ResNetV2
import Tensors

/// The network that a file describes, and whose tensors it holds.
struct DescribedNetwork {
  /// The network.
  let graph: Graph

  private let file: RNWFile

  /// Reads what the file describes, and compares with its tensors before one of them is read.
  ///
  /// - Throws: `InputError` where they are not exactly the network's.
  init(of file: RNWFile) throws {
    self.file = file
    do {
      graph = try Graph(try file.configuration(as: Configuration.self))
      try graph.checkParameters(file.tensors) { file.hasScales(tensorNamed: $0) }
    } catch let error as ConfigurationError {
      throw InputError(
        .badData, path: file.path, "describes an impossible network", place: error.description)
    } catch let error as ParametersError {
      throw Self.misfit(error, in: file)
    }
  }

  /// Reads all parameters.
  func parameters() throws -> Parameters {
    let tensors = try graph.parameters.map { ($0.name, try file.tensor(named: $0.name)) }
    do {
      return try Parameters(Dictionary(tensors) { first, _ in first }, for: graph)
    } catch {
      throw Self.misfit(error, in: file)
    }
  }

  private static func misfit(_ error: ParametersError, in file: RNWFile) -> InputError {
    InputError(
      .badData, path: file.path, "does not hold the network that it describes",
      place: error.description)
  }
}
