import Files
import FoundationEssentials
import Plain
import Processes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The conversion of one item.
struct ItemRun {
  let item: BatchItem
  let key: ItemKey
  let request: BatchRequest
  let digests: DigestCache

  private var output: String { request.folder.output(of: item.name) }

  /// How it ended, after as many attempts as it takes; `nil` where this program is ending.
  func record() -> Record? {
    var taken = Taken()
    for attempt in 0...request.retries {
      if attempt > 0 { usleep(UInt32(min(attempt * 200_000, 2_000_000))) }
      let finding: Finding
      do {
        try RecordFolder.make(output.folderAndName.folder)
        guard let found = try self.finding(&taken) else { return nil }
        finding = found
      } catch let error as InputError {
        finding = Finding(.output, error.description)
      } catch {
        finding = Finding(.fault, "\(error)")
      }
      guard finding.mayPass, attempt < request.retries else {
        return finding.record(of: self, taken)
      }
    }
    return nil
  }

  /// What is recorded where the source is never the same for as long as it takes.
  func changed() -> Record? {
    Finding(.fault, "\(item.source): changed while it was converted").record(of: self, Taken())
  }

  /// Takes away the file that stands where the item's would, unless it is one that was read.
  func removeOutput() {
    var status = stat()
    guard lstat(output, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    let inputs = ([item.source] + item.files + request.companions(item.source))
      .compactMap { FileStamp(path: $0)?.identity }
    let isInput =
      inputs.contains(FileIdentity(status))
      || FileStamp.isFolder(item.source) && FileStamp.isWithin(output, folder: item.source)
    if !isInput { unlink(output) }
  }

  /// Takes away what a conversion has begun that could not end by itself.
  private func removeLeftovers() {
    let (folder, name) = output.folderAndName
    for other in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    where other.hasPrefix(".\(name).") && other.hasSuffix(".tmp") {
      unlink(folder + other)
    }
  }

  /// One attempt; `nil` where this program is ending.
  private func finding(_ taken: inout Taken) throws -> Finding? {
    // The conversion replaces what it made before.
    let run = try LimitedRun(
      request.program.path,
      ["convert", "-o", output, "--overwrite", "--threads", "1", "--json"] + item.options
        + ["--", item.source], limits: request.limits)
    taken.add(run)
    switch run.ending {
    case .signaled, .tooLong, .tooMuch: removeLeftovers()
    case .exited, .interrupted: break
    }
    guard run.ending != .interrupted else { return nil }
    let finding = Finding(run, request.limits)
    guard finding.isPass, request.verifies else { return finding }
    let check = try LimitedRun(
      request.program.path, ["verify", "--threads", "1", "--json", "--", output],
      limits: request.limits)
    taken.add(check)
    guard check.ending != .interrupted else { return nil }
    return finding.verified(Finding(check, request.limits))
  }

  /// What an item has taken in all attempts.
  struct Taken {
    private(set) var attempts = 0
    private(set) var milliseconds = 0
    private(set) var processorMilliseconds = 0
    private(set) var peakBytes = 0

    mutating func add(_ run: LimitedRun) {
      attempts += 1
      milliseconds += run.milliseconds
      processorMilliseconds += run.processorMilliseconds
      peakBytes = max(peakBytes, run.peakBytes)
    }
  }

  /// The files that the conversion read beside those that the key is made of.
  func otherFiles(among files: [String]) -> [String] {
    let known = Set([item.source] + request.companions(item.source))
    return files.filter { file in
      !known.contains(file)
        && !(FileStamp.isFolder(item.source)
          && FileStamp.isWithin(file, folder: item.source))
    }
  }
}
