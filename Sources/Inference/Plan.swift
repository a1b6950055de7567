import ResNetV2
import Tensors

/// A network as a flat list of steps for one shape of input, with a place in memory for every
/// value.
///
/// The plan is derived from the graph and computes exactly what the graph says, in the same order
/// of operations; it only avoids storing values that nobody reads.
struct Plan: Sendable {
  /// One step, and the nodes that it computes.
  struct Step: Sendable {
    /// The node whose operation the step begins with.
    let node: Int
    /// What is done.
    let action: Action
    /// All nodes whose values the step computes, whether they are stored or not.
    let nodes: [Int]
  }

  enum Action: Sendable {
    /// A convolution or dense layer with what follows it.
    case convolve(Fusion)
    /// A norm that nothing computes in passing, and perhaps the ReLU after it.
    case normalize(Configuration.Norm, output: Int, rectifies: Bool)
    /// The node's own operation.
    case plain
  }

  /// What is done to the result of a convolution before it is stored; indices are nodes.
  struct Fusion: Sendable {
    /// The norm of the result itself.
    var norm: Int?
    /// Whether a ReLU follows that norm or the convolution.
    var rectifies = false
    /// The value that is added.
    var residual: Int?
    /// The node whose value is stored before the next norm, where someone reads it.
    var output: Int?
    /// The norm that reads the sum: the first of the next block.
    var nextNorm: Int?
    /// Whether a ReLU follows that norm or the sum.
    var nextRectifies = false
    /// The node whose value is stored after it.
    var activated: Int?
  }

  /// The steps in order.
  let steps: [Step]

  /// How many of the first steps are done for one image after the other.
  let stepsPerImage: Int

  /// The shape of every node's value, for all images.
  let shapes: [Shape]

  /// The nodes whose values are stored for one image at a time.
  let singles: Set<Int>

  /// The place of every stored value in the arena, in floats.
  let offsets: [Int: Int]

  /// The size of the arena in floats.
  let arenaCount: Int

  /// The places whose values each step is the last to read, by step; of none that the step itself stores.
  let endings: [Int: [Range<Int>]]

  /// Makes the plan of a graph.
  ///
  /// - Parameters:
  ///   - keepsActivations: whether every node's value is stored, for an observer.
  ///   - imageByImage: whether the first steps may be done for one image after the other; else every
  ///     step is done for all.
  /// - Throws: `InputShapeError` where the input does not fit.
  init(
    _ graph: Graph, input: Shape, keepsActivations: Bool, imageByImage: Bool = true
  ) throws(InputShapeError) {
    shapes = try graph.shapes(for: input)
    var builder = StepBuilder(graph, keepsActivations: keepsActivations)
    steps = builder.makeSteps()
    stepsPerImage =
      keepsActivations || !imageByImage
      ? 0 : Self.countPerImage(graph, steps, shapes, images: input[0])
    let memory = MemoryPlan(graph, steps, shapes, stepsPerImage: stepsPerImage)
    offsets = memory.offsets
    singles = memory.singles
    arenaCount = memory.count
    endings = memory.endings
  }

  /// The most bytes that a step should read and write of one image, if it is to do all images at once.
  private static let smallValues = 1_536 << 10

  /// How many of the first steps are best done for one image after the other.
  ///
  /// Where values are large, those of one image are still in the cache when the next step reads them;
  /// where they are small, the weights are large, and one look at them should serve all images.
  private static func countPerImage(
    _ graph: Graph, _ steps: [Step], _ shapes: [Shape], images: Int
  ) -> Int {
    guard images > 1 else { return 0 }
    let last = steps.lastIndex { step in
      let elements = (step.inputs(in: graph) + step.stored).reduce(0) {
        $0 + shapes[$1].elementCount
      }
      return elements / images * MemoryLayout<Float>.size > smallValues
    }
    return last.map { $0 + 1 } ?? 0
  }
}

extension Plan {
  /// The steps in the order in which they are done, each with the image that it is done for, or `nil` for
  /// all.
  var schedule: [(step: Int, image: Int?)] {
    let images = stepsPerImage > 0 ? shapes[0][0] : 0
    let single = (0..<images).flatMap { image in
      (0..<stepsPerImage).map { (step: $0, image: Optional(image)) }
    }
    return single + (stepsPerImage..<steps.count).map { (step: $0, image: nil) }
  }
}

extension Plan.Step {
  /// The nodes whose values the step stores.
  var stored: [Int] {
    switch action {
    case .convolve(let fusion): [fusion.output, fusion.activated].compactMap { $0 }
    case .normalize(_, let output, _): [output]
    case .plain: [node]
    }
  }

  /// The nodes whose values the step reads.
  func inputs(in graph: Graph) -> [Int] {
    guard case .convolve(let fusion) = action else { return graph.nodes[node].inputs }
    return graph.nodes[node].inputs + [fusion.residual].compactMap { $0 }
  }
}

/// Chooses which nodes are computed together.
private struct StepBuilder {
  private let graph: Graph
  private let keepsActivations: Bool
  private let readers: [[Int]]
  private var covered: Set<Int> = []

  init(_ graph: Graph, keepsActivations: Bool) {
    self.graph = graph
    self.keepsActivations = keepsActivations
    var readers = [[Int]](repeating: [], count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      for input in node.inputs { readers[input].append(index) }
    }
    self.readers = readers
  }

  mutating func makeSteps() -> [Plan.Step] {
    var steps: [Plan.Step] = []
    for index in graph.nodes.indices.dropFirst() where !covered.contains(index) {
      let step = makeStep(index)
      covered.formUnion(step.nodes)
      steps.append(step)
    }
    return steps
  }

  private func makeStep(_ index: Int) -> Plan.Step {
    switch graph.nodes[index].operation {
    case .convolution, .dense:
      return fused(index)
    case .norm(let norm, _, _):
      let relu = keepsActivations ? nil : soleReader(of: index, where: isReLU)
      return .init(
        node: index,
        action: .normalize(norm, output: relu ?? index, rectifies: relu != nil),
        nodes: [index] + (relu.map { [$0] } ?? []))
    default:
      return .init(node: index, action: .plain, nodes: [index])
    }
  }

  private func fused(_ index: Int) -> Plan.Step {
    var fusion = Plan.Fusion()
    var nodes = [index]
    func take(_ node: Int) -> Int {
      nodes.append(node)
      return node
    }
    guard !keepsActivations else {
      fusion.output = index
      return .init(node: index, action: .convolve(fusion), nodes: nodes)
    }
    var last = index
    if let norm = soleReader(of: last, where: isBatchNorm) {
      fusion.norm = take(norm)
      last = norm
      if let relu = soleReader(of: last, where: isReLU) {
        fusion.rectifies = true
        last = take(relu)
      }
    }
    // The other summand must be there already: it is, where it comes before the convolution.
    if let sum = soleReader(of: last, where: { graph.nodes[$0].operation == .add }),
      let other = graph.nodes[sum].inputs.first(where: { $0 != last }), other < index
    {
      fusion.residual = other
      last = take(sum)
    }
    takeNextNorm(after: last, &fusion, take)
    return .init(node: index, action: .convolve(fusion), nodes: nodes)
  }

  /// Computes the norm and ReLU that begin the next block while the sum is still in registers.
  private func takeNextNorm(after last: Int, _ fusion: inout Plan.Fusion, _ take: (Int) -> Int) {
    let norms = readers[last].filter(isBatchNorm)
    var next: Int?
    if norms.count == 1 {
      fusion.nextNorm = take(norms[0])
      next = norms[0]
      if let relu = soleReader(of: norms[0], where: isReLU) {
        fusion.nextRectifies = true
        next = take(relu)
      }
    } else if let relu = soleReader(of: last, where: isReLU) {
      fusion.nextRectifies = true
      next = take(relu)
    }
    fusion.activated = next
    let isReadElsewhere = readers[last].count > 1 || last == graph.outputIndex
    if next == nil || isReadElsewhere { fusion.output = last }
  }

  private func soleReader(of node: Int, where matches: (Int) -> Bool) -> Int? {
    guard readers[node].count == 1, matches(readers[node][0]) else { return nil }
    return readers[node][0]
  }

  private func isReLU(_ node: Int) -> Bool { graph.nodes[node].operation == .relu }

  private func isBatchNorm(_ node: Int) -> Bool {
    if case .norm(.batch, _, _) = graph.nodes[node].operation { return true }
    return false
  }
}

/// Gives every stored value a place for as long as it is read, and no longer.
private struct MemoryPlan {
  private(set) var offsets: [Int: Int] = [:]
  private(set) var singles: Set<Int> = []
  private(set) var count = 0
  private(set) var endings: [Int: [Range<Int>]] = [:]
  /// The values that are alive, by offset.
  private var alive: [(offset: Int, end: Int, lastRead: Int)] = []

  /// The floats of a small page of memory.
  private static let page = 1024

  /// By how much values are shifted within a page, one after the other.
  ///
  /// A load waits for an earlier store to an address that is equal in its last 12 bits, though it is
  /// another one. Many values are multiples of a page long: side by side they would all begin alike,
  /// and a sum would wait at every pixel.
  private static let shifts = [0, 5, 2, 7, 4, 1, 6, 3].map { $0 * 128 }

  init(_ graph: Graph, _ steps: [Plan.Step], _ shapes: [Shape], stepsPerImage: Int) {
    var lastReads: [Int: Int] = [:]
    for (position, step) in steps.enumerated() {
      for input in step.inputs(in: graph) { lastReads[input] = position }
    }
    lastReads[graph.outputIndex] = steps.count
    // What is stored image by image and read by a step for all images has its place from the start: it
    // must outlive the first steps of all images.
    for node in steps.prefix(stepsPerImage).flatMap(\.stored) {
      let lastRead = lastReads[node] ?? 0
      if lastRead < stepsPerImage {
        singles.insert(node)
      } else {
        place(node, shapes[node].elementCount, until: lastRead)
      }
    }
    for (position, step) in steps.enumerated() {
      alive.removeAll { $0.lastRead < position }
      for node in step.stored where offsets[node] == nil {
        let elements = shapes[node].elementCount
        let lastRead = lastReads[node] ?? position
        let range = place(
          node, singles.contains(node) ? elements / shapes[node][0] : elements, until: lastRead)
        if lastRead > position { endings[lastRead, default: []].append(range) }
      }
    }
  }

  @discardableResult
  private mutating func place(
    _ node: Int, _ elements: Int, until lastRead: Int
  ) -> Range<Int> {
    let size = ((elements + Self.page - 1) / Self.page + 1) * Self.page
    let place = Self.gap(of: size, in: alive)
    offsets[node] = place + Self.shifts[offsets.count % Self.shifts.count]
    alive.append((place, place + size, lastRead))
    alive.sort { $0.offset < $1.offset }
    count = max(count, place + size)
    return place..<place + size
  }

  /// The smallest gap that is large enough, or the end.
  private static func gap(
    of size: Int, in alive: [(offset: Int, end: Int, lastRead: Int)]
  ) -> Int {
    var best: (offset: Int, size: Int)?
    var end = 0
    for value in alive {
      let space = value.offset - end
      if space >= size, space < best?.size ?? .max { best = (end, space) }
      end = max(end, value.end)
    }
    return best?.offset ?? end
  }
}
