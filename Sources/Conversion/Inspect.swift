import Families
import Files
import RNW
import Tensors
import WeightSources

/// What a file holds.
package struct Inspection: Encodable, Sendable {
  private let schema = "rnw.inspection/1"
  /// The kind of container.
  package let container: String
  /// The family's short name; `nil` where the tensors are of no network that is known.
  package let family: String?
  /// What the network is called; `nil` where it is not known.
  package let architecture: String?
  /// Why the network is not known; `nil` where it is.
  package let problem: String?
  /// The published file that it is, or is called; `nil` where neither is known.
  package let publication: Publication?
  /// What the file says beside its tensors.
  package let metadata: [String: String]
  /// The tensors, in the order of the file.
  package let tensors: [Tensor]
  /// The bytes of all files of which it is made.
  package let fileBytes: Int
  /// Of how many layers a `.rnw` keeps fingerprints; `nil` where it keeps none.
  package let fingerprints: Int?

  /// A tensor of the file.
  package struct Tensor: Encodable, Sendable {
    /// Its name.
    package let name: String
    /// The type of its elements.
    package let dtype: String
    /// Its dimensions.
    package let shape: [Int]
    /// The bytes of its elements, decoded.
    package let bytes: Int
    /// What its values are like; `nil` where they were not read, or none is finite.
    package let statistics: Statistics?
  }

  /// What the values of a tensor are like; the first three of the finite ones.
  package struct Statistics: Encodable, Sendable {
    /// The smallest value.
    package let minimum: Float
    /// The mean.
    package let mean: Double
    /// The largest value.
    package let maximum: Float
    /// How many values are NaN or infinite.
    package let notFinite: Int
  }

  fileprivate init(_ source: any WeightSource, readsValues: Bool) throws {
    container = source.container
    metadata = source.metadata
    fileBytes = source.files.reduce(0) { $0 + $1.file.count }
    fingerprints = try (source as? RNWFile)?.fingerprints()?.layers.count
    tensors = try source.tensors.map { info in
      Tensor(
        name: info.name, dtype: info.dtype.name, shape: info.shape.dimensions,
        bytes: info.byteCount ?? 0,
        statistics: readsValues ? Self.statistics(of: try source.tensor(named: info.name)) : nil)
    }
    do {
      let model = try Model(source)
      family = model.family.id
      architecture = model.architectureName
      publication = model.publication()
      problem = nil
    } catch let error as InputError {
      family = nil
      architecture = nil
      publication = nil
      problem = error.problem
    }
  }

  private static func statistics(of tensor: TensorData) -> Statistics? {
    let values = tensor.floats()
    let finite = values.filter(\.isFinite)
    guard let minimum = finite.min(), let maximum = finite.max() else { return nil }
    let sum = finite.reduce(0.0) { $0 + Double($1) }
    return Statistics(
      minimum: minimum, mean: sum / Double(finite.count), maximum: maximum,
      notFinite: values.count - finite.count)
  }
}

/// Lists what a file holds; a file that is no known network is listed all the same.
///
/// - Parameter dictionary: which dictionary of a PyTorch checkpoint is taken, or `nil` for the likeliest.
/// - Throws: `InputError` where the file cannot be read.
package func inspect(
  _ path: String, dictionary: String? = nil, readsValues: Bool
) throws -> Inspection {
  let source = try WeightFile.open(path, dictionary: dictionary)
  let inspection = try Inspection(source, readsValues: readsValues)
  try source.checkUnchanged()
  return inspection
}
