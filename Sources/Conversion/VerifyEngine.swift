package import Comparison
import Diagnosis
import Families
import Files
import Inference
import ResNetV2
import Runtimes
import Tensors
import WeightSources

/// An engine of the user's own, and how it gives its values.
package struct EngineRequest: Sendable {
  /// Where the values come from.
  package var values: Values
  /// A file that says which layer each array of an archive is; `nil` where names or closeness tell.
  package var layerNames: String?
  /// How long a program may take for one answer, in seconds.
  package var seconds = 60
  /// Whether a program is run twice, to see whether it gives the same bits.
  package var isTwice = false

  package enum Values: Sendable {
    /// An archive of what the engine computed.
    case archive(String)
    /// A program that is asked for layers.
    case program(String)
  }

  package init(_ values: Values) {
    self.values = values
  }

  /// Whether a program is run once for each layer.
  package static func takesLayers(_ command: String) -> Bool { LayerRuntime.takes(command) }

  /// The archive; `nil` for a program.
  package var archive: String? {
    if case .archive(let path) = values { path } else { nil }
  }

  /// What the engine is called in messages.
  package var name: String {
    switch values {
    case .archive(let path): path
    case .program(let command): command
    }
  }
}

/// Judges the values that an engine of the user's own computed, by a model that is right.
///
/// Each value is compared with the reference executor's twice: as both run from the same input, and as the executor computes the
/// layer from the engine's own values of what it reads. So a mistake is found where it is made.
///
/// - Throws: `InputError` where a file cannot be read, the arrays are not this network's, or a program does not start.
package func verify(
  _ request: VerificationRequest, engine: EngineRequest,
  progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
) throws -> Comparison.Outcome {
  let paths = [request.model] + [engine.archive, request.against].compactMap { $0 }
  let sources = try openSources(paths, request.dictionary)
  let model = try Model(
    sources[0], family: request.family, told: try Model.told(request.told, of: sources[0]))
  let archive = engine.archive.map { _ in sources[1] }
  let recorded = try archive?.engineInput(channels: model.graph.configuration.input.channels)
  var given = try request.input.map { try InputImages($0, for: model, passesStrangers: true) }
  var probe = try InputImages(.standardProbe, for: model, passesStrangers: false)
  let input = try given?.all() ?? recorded ?? probe.all()
  let parameters = try model.parameters(threads: request.pool.threadCount)
  let network = ReferenceExecutor(
    graph: model.graph, parameters: parameters, pool: request.pool)
  let truth: any Executor =
    request.against == nil
    ? network
    : try RecordedExecutor(
      sources[sources.count - 1], network: network, layerNames: model.layerNames, input: input)
  let judge = EngineJudge(
    truth: truth, model: model, parameters: parameters, input: input, request: request,
    progress: progress)
  do {
    var result: Comparison.Outcome
    if let archive {
      result = try judge.outcome(of: archive, names: engine.layerNames)
      if given == nil, recorded == nil {
        result.remarks.append(
          "the archive has no array 'input': it was taken to be computed from the probe")
      }
    } else {
      result = try judge.outcome(ofProgram: engine)
    }
    result.remarks += given?.remarks ?? []
    if input.isPlain {
      result.remarks.append(
        Activation.plainRemark(of: request.input?.path?.lastName ?? engine.name.lastName))
    }
    for source in sources { try source.checkUnchanged() }
    result.assumptions = model.assumptions
    return result
  } catch let error as ComparisonError {
    throw InputError(.badData, path: engine.name, error.description)
  } catch let fault as RuntimeFault {
    throw InputError(.unreadable, path: engine.name, fault.description)
  } catch {
    throw error.ofInput(request.input?.path ?? engine.name)
  }
}
