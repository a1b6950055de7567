import Comparison
import Diagnosis
import Families
import Inference
import Plain
import ResNetV2
import Runtimes
import Tensors

/// A network that is right, and an input: what the values of engines are judged by.
struct EngineJudge {
  let truth: any Executor
  let model: Model
  let parameters: Parameters
  let input: Activation
  let request: VerificationRequest
  let progress: @Sendable (_ done: Int, _ total: Int) -> Void

  /// The verdict on an archive.
  func outcome(of archive: any WeightSource, names: String?) throws -> Comparison.Outcome {
    var values = try EngineArchive(
      archive, graph: model.graph, layerNames: model.layerNames,
      names: try names.map { try EngineNames(path: $0) } ?? EngineNames(), input: input.shape)
    if names == nil { try values.matchByCloseness(truth, input: input) }
    var result = try outcome(of: values)
    result.remarks = values.remarks
    return result
  }

  /// The verdict on a program.
  func outcome(ofProgram engine: EngineRequest) throws -> Comparison.Outcome {
    guard !LayerRuntime.takes(engine.name) else {
      return try outcome(ofLayersOf: engine)
    }
    let program = try RuntimeTruth(
      engine.name, model: request.model, graph: model.graph, layerNames: model.layerNames,
      seconds: engine.seconds)
    var result = try outcome(of: program)
    result.remarks = [program.title.map { "the program calls itself \($0)" }].compactMap { $0 }
    guard engine.isTwice else { return result }
    let shapes = try model.graph.shapes(for: input.shape)
    let first = try program.firstNotReproduced(on: input, shapes: shapes, graph: model.graph)
    result.remarks.append(
      first.map {
        "\(model.layerNames.name(of: $0) ?? $0) is the first layer that is not the same in two runs"
      } ?? "two runs give the same bits")
    return result
  }

  /// The verdict on a program that gives one layer each time it is run.
  private func outcome(ofLayersOf engine: EngineRequest) throws -> Comparison.Outcome {
    var program = LayerRuntime(
      engine.name, graph: model.graph, layerNames: model.layerNames, seconds: engine.seconds)
    let limits = try limits()
    try program.search(
      by: truth, input: input,
      limit: {
        limits.limit(name: $0, familyName: model.layerNames.name(of: $0), isolated: false)
      }, progress: progress)
    var result = try outcome(of: program)
    result.remarks = ["the program was run \(counted(program.runs, "time"))"]
    return result
  }

  /// Compares values with the network's, and looks for what is wrong where they differ.
  private func outcome(of values: some LayerTruth) throws -> Comparison.Outcome {
    var comparison = Comparison(
      candidate: truth, layerNames: model.layerNames, limits: try limits(), mode: .both,
      layers: request.layers, progress: progress)
    comparison.trial = .values
    comparison.collectsDetail = request.collectsDetail
    comparison.measuresULP = request.measuresULP
    comparison.parameter = { try model.tensor(of: $0) }
    let result = try comparison.run(against: values, input: input)
    return try request.search?.explained(result) { deadline in
      try Diagnosis(
        of: comparison, parameters: parameters, words: model.family.parameterWords,
        deadline: deadline
      ) {
        ReferenceExecutor(graph: $0, parameters: $1, pool: request.pool)
      }.explain(result, against: values, input: input)
    } ?? result
  }

  private func limits() throws -> Limits {
    var limits = request.limits ?? Limits(for: model.graph.configuration)
    if let file = request.limitsFile {
      limits.overrides += try Limits.Override.read(
        path: file, graph: model.graph, layerNames: model.layerNames)
    }
    return limits
  }
}
