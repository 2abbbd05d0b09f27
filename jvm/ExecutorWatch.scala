package org.apache.spark.ordered

import scala.collection.mutable

import org.apache.spark.SparkContext
import org.apache.spark.scheduler.{SparkListener, SparkListenerExecutorRemoved, SparkListenerTaskStart}

/** Cancels the jobs of a context none of whose executors comes up; a cluster would start one after the other for ever.
  *
  * An executor that lacks the jar, or has another Spark, ends while it is made. Spark calls a listener's methods one
  * after the other, and has an executor work only when it is made.
  */
private[ordered] class ExecutorWatch(context: SparkContext) extends SparkListener {

  private val working = mutable.Set.empty[String]
  private var failed = 0

  override def onTaskStart(start: SparkListenerTaskStart): Unit = {
    working += start.taskInfo.executorId
    failed = 0
  }

  override def onExecutorRemoved(removed: SparkListenerExecutorRemoved): Unit = {
    working -= removed.executorId
    if (removed.reason.contains(ExecutorWatch.NOT_MADE)) {
      failed += 1
      if (failed >= ExecutorWatch.MOST && working.isEmpty) {
        context.statusTracker.getActiveJobIds().foreach(context.cancelJob(_, s"NO_EXECUTOR_STARTS: ${removed.reason}"))
      }
    }
  }
}

private object ExecutorWatch {

  /** As `CoarseGrainedExecutorBackend` says it. */
  private val NOT_MADE = "Unable to create executor"
  private val MOST = 4
}
