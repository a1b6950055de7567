import Families
import Files
import Inference
import Precision
import ResNetV2
import Tensors

extension Model {
  /// The parameters in the types that are asked for, and how those of `auto` were found.
  ///
  /// - Throws: `InputError` that names the tensor where a value does not exist in its type.
  func parameters(
    _ original: Parameters, for request: ConversionRequest, choice: PrecisionChoice?
  ) throws -> Parameters {
    if let choice { return choice.parameters }
    return try naming {
      try original.rounded(
        to: ParameterTypes(request.precision), in: original.graph,
        threads: request.pool.threadCount)
    }
  }

  /// The choice of `auto`; `nil` for the others, which have nothing to choose.
  func choice(
    _ original: Parameters, _ request: ConversionRequest,
    progress: (_ done: Int, _ total: Int) -> Void
  ) throws -> PrecisionChoice? {
    guard request.precision == .auto, let maximumError = request.maximumError else { return nil }
    let isGiven = request.input != .standardProbe
    var images = try InputImages(
      isGiven ? request.input : Self.standardImages, for: self, passesStrangers: true)
    var batches: [Activation] = []
    while let batch = try images.next() { batches.append(batch) }
    let search = try PrecisionSearch(
      graph, original: original, layerNames: layerNames, input: Activation(joining: batches),
      keepsClasses: isGiven, maximumError: maximumError, codec: request.codec,
      pool: request.pool)
    return try naming { try search.run(progress: progress) }
  }

  /// The images where none are given; the first is the standard probe.
  private static let standardImages = InputArgument.probe(
    seed: InputArgument.standardSeed, count: 16)

  /// Rounds, and names the file's own tensor where one cannot be.
  private func naming<Result>(_ round: () throws -> Result) throws -> Result {
    do {
      return try round()
    } catch let error as ParameterRoundingError {
      throw error.cause.inputError(sourceName(of: error.parameter), path: source.path)
    }
  }

  /// The coarsest type that any parameter has in the file.
  var coarsestType: DType {
    (mapping?.entries.map(\.tensor.dtype) ?? source.tensors.map(\.dtype)).coarsest
  }

  /// What the source calls a parameter's tensor.
  func sourceName(of parameter: Parameter) -> String {
    mapping?.entries.first { $0.parameter == parameter }?.tensor.name ?? parameter.name
  }
}

extension RoundingError {
  fileprivate func inputError(_ tensor: String, path: String) -> InputError {
    let largest: Float = type == .float16 ? 65504 : Float(bfloat16Bits: 0x7F7F)
    let bound = type == .int8 ? "only finite values" : "up to ±\(largest)"
    return InputError(
      .badData, path: path, "has a value that \(type.name) cannot hold",
      place: "\(tensor): \(value) at \(index); \(bound) can be",
      hint: type == .float16 ? "--precision bfloat16 or auto keeps it" : nil)
  }
}
